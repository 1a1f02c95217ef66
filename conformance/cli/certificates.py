"""The verbs about certificates: `certify` and `verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from conformance.cli.group import (
    BadFile,
    asked_again_with,
    console_of,
    dialect_option,
    errors_of_users,
    keras_python_option,
    main,
    node_option,
    tfjs_option,
)

if TYPE_CHECKING:
    from conformance.certificates.grading import Grade, Independence
    from conformance.certificates.scope import Scope


@main.command(epilog="Example: conformance certify --backend tfjs-wasm --profile inference --out certificate")
@click.option("--backend", "names", multiple=True, metavar="NAME", help="The backend to certify.")
@click.option(
    "--backend-command", "commands", multiple=True, metavar="[NAME=]COMMAND",
    help="The backend that this command line runs.",
)  # fmt: skip
@click.option("--profile", required=True, metavar="NAME", help="The profile to certify it for.")
@click.option(
    "--subjects", default="core", show_default=True, metavar="NAME",
    help="For which subjects: core, what both Keras and TensorFlow.js have; keras, all that Keras has.",
)  # fmt: skip
@click.option(
    "--subject", "patterns", multiple=True, metavar="NAME",
    help="Only for these of them; repeatable, globs. The certificate says so.",
)  # fmt: skip
@click.option("--corpus", default="standard", show_default=True, metavar="NAME", help="The cases to ask.")
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Where the certificate goes: a directory that is not there, or empty.",
)  # fmt: skip
@click.option(
    "--key", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Sign with this private Ed25519 key in PEM.",
)  # fmt: skip
@node_option
@tfjs_option
@keras_python_option
@dialect_option
@click.option("--json", "as_json", is_flag=True, help="Write what is certified as JSON to standard output.")
def certify(
    names: tuple[str, ...],
    commands: tuple[str, ...],
    profile: str,
    subjects: str,
    patterns: tuple[str, ...],
    corpus: str,
    out: Path,
    key: Path | None,
    node: str | None,
    tfjs: tuple[str, ...],
    keras_pythons: tuple[str, ...],
    dialects: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask a backend a profile's cases of the frozen corpus, and write a certificate, granted or refused.

    It is granted in one of two grades: "conforms to the specification", or "conforms to its dialect", where
    every deviation is recorded and holds. It is refused where anything of the profile was not asked, failed
    or is unpredictable, where fewer than 90 % of the subjects are supported, or of those that --subject names
    one is not, or where the backend declares an arithmetic that is too weak; the certificate then has every
    reason.

    Exit codes: 0 granted; 1 refused; 2 usage, or a bad file; 3 the backend could not be started;
    130 interrupted.
    """
    from conformance import engine
    from conformance.cases import corpus as corpora
    from conformance.certificates import signing
    from conformance.certificates.content import README, STATEMENT
    from conformance.certificates.grading import Grade
    from conformance.certificates.issuing import issue
    from conformance.certificates.scope import Scope
    from conformance.reporting.recording import record, suite_of
    from conformance.reporting.terminal import display, summarize
    from conformance.selection import check_dialects, find_backends

    if len(names) + len(commands) != 1:
        raise click.UsageError("name one backend: --backend NAME, or --backend-command COMMAND")
    scope = Scope(profile, subjects, corpus, patterns)
    with errors_of_users():
        scope.check()
        (backend,) = find_backends(names, commands, node, tfjs=tfjs, keras_pythons=keras_pythons)
        check_dialects(dialects)
    if not scope.cases:
        raise click.UsageError(
            f"the corpus {corpus} has no case of the profile {profile}: give --corpus another"
        )
    try:
        private_key = signing.load_private_key(key) if key else None
    except signing.BadKey as error:
        raise BadFile(str(error)) from error
    suite = suite_of(
        corpora.load(corpus),
        corpus=corpus,
        seed=0,
        profile=profile,
        selection={"backend": [backend.name], "subjects": [subjects], "subject": list(patterns)},
        options=asked_again_with(dialects, node),
    )
    plan = engine.Plan(
        cases=scope.cases,
        backends=(backend,),
        properties=scope.properties,
        dialects=dialects,
        prove=True,
    )
    try:
        if out.is_dir() and any(out.iterdir()):
            raise BadFile(
                f"{out}: is not empty; a certificate is of all files in its directory: name a new one"
            )
        show = display(console_of(stderr=True), [backend.name], len(scope.cases))
        report = record(engine.run(plan), out, suite, show, {})
        if report.results.status == "interrupted":
            click.echo(f"interrupted: nothing is certified; what was judged is in {out}", err=True)
            sys.exit(130)
        if report.results.unavailable:
            click.echo(
                f"{backend.name} could not be started: {report.results.unavailable[0].message}", err=True
            )
            sys.exit(3)
        assessment = issue(out, report, private_key)
    except OSError as error:
        raise BadFile(f"{error.filename or out}: {error.strerror}") from error
    summarize(console_of(stderr=as_json), report, out)
    if as_json:
        click.echo((out / STATEMENT).read_text("utf-8"), nl=False)
    else:
        click.echo(said(backend.name, assessment.grade, scope))
        for reason in assessment.reasons:
            click.echo(f"- {reason}")
        if not assessment.independence.proven:
            click.echo(unproven(backend.name, assessment.independence))
        click.echo(f"Certificate: {out / README}")
    sys.exit(1 if assessment.grade is Grade.REFUSED else 0)


def said(backend: str, grade: Grade, scope: Scope) -> str:
    return f"{backend}: {grade}, in the profile {scope.profile}, for {scope}"


def unproven(backend: str, independence: Independence) -> str:
    if not independence.of:
        return "Independence unproven: there is no check where rounding is free."
    return (
        f"Independence unproven: in each of the {independence.of} checks where rounding is free, {backend} "
        "has the specification's own bits, so that it may be the specification itself."
    )


@main.command(epilog="Example: conformance verify certificate --key maintainers.pub --recheck 100")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--key", "keys", multiple=True, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="A public Ed25519 key in PEM that you trust; repeatable. The certificate has to be signed by one.",
)  # fmt: skip
@click.option(
    "--recheck", "count", type=click.IntRange(min=1), metavar="N",
    help="Ask N of its cases again, drawn anew, of the backend of its name that is installed here.",
)  # fmt: skip
@click.option(
    "--backend-command", "commands", multiple=True, metavar="[NAME=]COMMAND",
    help="With --recheck: ask the backend that this command line runs.",
)  # fmt: skip
@node_option
@tfjs_option
@keras_python_option
@dialect_option
@click.option("--json", "as_json", is_flag=True, help="Write the outcome as JSON to standard output.")
def verify(
    directory: Path,
    keys: tuple[Path, ...],
    count: int | None,
    commands: tuple[str, ...],
    node: str | None,
    tfjs: tuple[str, ...],
    keras_pythons: tuple[str, ...],
    dialects: tuple[str, ...],
    as_json: bool,
) -> None:
    """Verify the certificate in DIR: that no byte of it was changed, that every case is answered once and the
    sums agree, who signed it, and that it says what its results amount to. Nothing of DIR is run, and no
    network is used.

    Exit codes: 0 verified, and granted; 1 changed, incomplete, refused, not signed by a --key, or answered
    otherwise today; 2 usage, or a bad file; 3 the backend to ask again could not be started.
    """
    import msgspec

    from conformance.certificates import signing
    from conformance.certificates.grading import Grade
    from conformance.certificates.signing import Signature
    from conformance.certificates.verification import NotVerified
    from conformance.certificates.verification import verify as verify_directory
    from conformance.runners.unavailable import BackendUnavailable
    from conformance.selection import check_dialects, find_backends

    given = {"--backend-command": commands, "--node": node, "--tfjs": tfjs, "--keras-python": keras_pythons,
             "--dialect": dialects}  # fmt: skip
    if count is None and (idle := [name for name, value in given.items() if value]):
        raise click.UsageError(f"{', '.join(idle)}: say how many cases to ask again, by --recheck")
    if len(commands) > 1:
        raise click.UsageError("one backend is asked again: give --backend-command once")
    problems: list[str] = []
    lines: list[str] = []
    try:
        trusted = [signing.load_public_key(path) for path in keys]
        verified = verify_directory(directory, trusted)
    except signing.BadKey as error:
        raise BadFile(str(error)) from error
    except NotVerified as error:
        _tell(as_json, msgspec.json.encode({"verified": False, "problems": error.problems}), error.problems)
        sys.exit(1)
    certificate, assessment = verified.certificate, verified.certificate.assessment
    backend, versions = certificate.backend, certificate.backend.versions.items()
    lines += [
        said(backend.name, assessment.grade, verified.scope),
        f"asked {certificate.asked_at} by layers-conformance {certificate.suite}, "
        f"{', '.join(f'{name} {version}' for name, version in versions) or 'no versions told'}",
        f"{verified.signature}{f' ({verified.key_id})' if verified.key_id else ''}",
    ]
    problems += assessment.reasons
    if assessment.grade is Grade.DIALECT:
        lines.append(
            f"{len(assessment.deviations)} recorded deviations, of {assessment.dialect or 'no dialect'}; "
            f"{len(assessment.precision)} functions declared less precise than published"
        )
    if not assessment.independence.proven:
        lines.append(unproven(backend.name, assessment.independence))
    if keys and verified.signature is not Signature.VALID:
        problems.append(f"it is {verified.signature}, and not signed by a key given")
    rechecked = None
    if count is not None:
        from conformance.certificates.recheck import recheck

        with errors_of_users():
            check_dialects(dialects)
            names = () if commands else (backend.name,)
            (spec,) = find_backends(names, commands, node, tfjs=tfjs, keras_pythons=keras_pythons)
        try:
            rechecked = recheck(verified, spec, count, dialects)
        except BackendUnavailable as error:
            click.echo(f"{spec.name} could not be started: {error}", err=True)
            sys.exit(3)
        lines.append(f"asked again: {rechecked.cases} cases, {rechecked.checks} checks")
        lines += rechecked.circumstances
        problems += rechecked.differences
    outcome = {
        "verified": True,
        "passed": not problems,
        "signature": verified.signature,
        "key_id": verified.key_id,
        "certificate": certificate,
        "problems": problems,
        "rechecked": rechecked,
    }
    _tell(as_json, msgspec.json.encode(outcome), [*lines, *(f"- {problem}" for problem in problems)])
    sys.exit(1 if problems else 0)


def _tell(as_json: bool, outcome: bytes, lines: list[str] | tuple[str, ...]) -> None:
    for line in [outcome.decode()] if as_json else lines:
        click.echo(printable(line))


def printable(line: str) -> str:
    """The line with its visible escapes for what a terminal could take for a command: it has words of a
    stranger's.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
