"""What lies in a certificate's directory: the names of its files, and those that follow from the results."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

import jinja2

from conformance import dialects
from conformance.certificates.grading import Grade
from conformance.certificates.scope import Scope
from conformance.certificates.statement import Certificate
from conformance.reporting import junit
from conformance.reporting.store import CHECKS, PAGE, RESULTS, Report

STATEMENT, TEST_RESULT = "certificate.json", "test-result.json"
ENVELOPES, PUBLIC_KEY = "certificate.intoto.jsonl", "key.pub"
README, JUNIT = "README.md", "junit.xml"

STATED = (STATEMENT, TEST_RESULT)
"""The statements, in the order of their envelopes."""

SIGNED = (ENVELOPES, PUBLIC_KEY)
"""Both are there, or none."""

ESSENTIAL = (RESULTS, CHECKS, PAGE, README, JUNIT)
"""The files that a statement has to be about; scripts that show findings may be there beside them."""

Derived = Callable[[Scope, Report, Certificate], str]

SPECIAL = re.compile(r"[\\`*_\[\]<>|]")


def _readme(scope: Scope, report: Report, certificate: Certificate) -> str:
    (backend,) = report.results.backends
    options = report.results.suite.options
    module = certificate.assessment.dialect
    ours = module in dialects.BUILT_IN.values()
    given = backend.given or ("--backend", backend.name)
    certify = [
        "conformance", "certify", *given,
        "--profile", scope.profile, "--subjects", scope.subjects,
        *(word for pattern in scope.patterns for word in ("--subject", pattern)),
        "--corpus", scope.corpus, *options, "--out", "certificate-again",
    ]  # fmt: skip
    # `verify` knows the backend's name.
    own = given[2:] if given[0] == "--backend" else given
    recheck = ["conformance", "verify", ".", "--recheck", "100", *own, *options]
    return _template().render(
        certificate=certificate,
        backend=certificate.backend,
        assessment=certificate.assessment,
        granted=certificate.assessment.grade is not Grade.REFUSED,
        extent=scope.extent,
        scope=str(scope),
        named=_named,
        whose="which the suite brings" if ours else "which is not the suite's, but brought to it",
        certify=shlex.join(certify),
        recheck=shlex.join(recheck),
    )


DERIVED: Mapping[str, Derived] = {
    README: _readme,
    JUNIT: lambda scope, report, certificate: junit.render(report),
}
"""What is made of the results, the same wherever this suite makes it; who verifies makes it anew. The page is
bound by its digest alone: it holds compressed data, whose bytes are those of one zlib."""


def escaped(text: str) -> str:
    """A text from elsewhere in a line of Markdown.

    >>> escaped("a|b")
    'a\\\\|b'
    """
    return SPECIAL.sub(lambda found: "\\" + found.group(), " ".join(text.split()))


def _named(values: Mapping[str, object]) -> str:
    return escaped(", ".join(f"{name} {value}" for name, value in values.items()) or "none told")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters["markdown"] = escaped
    return environment.from_string(resources.files(__package__).joinpath("readme.md.j2").read_text("utf-8"))
