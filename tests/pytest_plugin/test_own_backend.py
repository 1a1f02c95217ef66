"""The fixture `assert_conforms`, in the repository of somebody who writes a backend."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from .conftest import Run, asks

BACKEND = """
import numpy as np

from conformance.runners.plugin import observe_each
from conformance.runners.protocol import Identity


class Well:
    slope = 0.0

    def identity(self):
        capabilities = {"activations.relu": ["output/*"]}
        return Identity("rectifier", "python", {}, {}, {}, {"base": "ieee-float32"}, capabilities)

    def observe(self, case):
        slope = case.config.get("negative_slope", self.slope)
        threshold, top = case.config.get("threshold", 0.0), case.config.get("max_value")
        x = case.inputs[0].astype(float)
        below = slope * (x - threshold) if slope else 0.0
        y = np.where(x <= threshold, below, np.minimum(x, np.inf if top is None else top))
        return observe_each(case, lambda name: y.astype(np.float32))


class Leaky(Well):
    slope = 0.25


class Broken(Well):
    def __init__(self):
        raise RuntimeError("the library is not installed")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(rectifiers=BACKEND)
    return pytester


def test_class_that_conforms_passes_and_its_numbers_are_returned(
    session: Run, project: pytest.Pytester
) -> None:
    project.makepyfile("""
        from rectifiers import Well

        def test_relu(assert_conforms):
            totals = assert_conforms(Well, subjects=["relu"], properties=["forward"])
            assert 0 < totals.conforms == totals.checks
    """)
    session().assert_outcomes(passed=1)


def test_class_may_stand_beside_its_tests(session: Run, pytester: pytest.Pytester) -> None:
    test = "def test_relu(assert_conforms): assert_conforms(Well, subjects=['relu'], profile='inference')"
    pytester.makepyfile(BACKEND + test)
    session().assert_outcomes(passed=1)


def test_class_that_diverges_fails_and_the_command_shows_it_again(
    session: Run, project: pytest.Pytester
) -> None:
    project.makepyfile("""
        from rectifiers import Leaky

        def test_relu(assert_conforms):
            assert_conforms(Leaky, name="mine", subjects=["relu"], properties=["forward"])
    """)
    result = session()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       assert_conforms(Leaky, *",
            "E       Failed: mine does not conform: * of * checks conform*",
            "E       activations.relu · forward · output/0 diverges in * checks*expected 0 ± 0*",
            "E         case *",
        ]
    )
    (command,) = (line[1:].strip() for line in result.outlines if " conformance run " in line)
    path, *words = shlex.split(re.sub(r"^PYTHONPATH=", "", command))
    again = subprocess.run(
        [sys.executable, "-m", *words],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (again.returncode, "output/0 on mine: diverges" in again.stdout) == (1, True)


def test_command_line_is_a_backend_too(session: Run, pytester: pytest.Pytester) -> None:
    command = asks("well")[1].partition("=")[2]
    pytester.makepyfile(f"""
        def test_relu(assert_conforms):
            assert_conforms({command!r}, subjects=["relu"], properties=["forward"])
    """)
    session().assert_outcomes(passed=1)


def test_backend_that_does_not_start_fails_with_its_last_words(
    session: Run, project: pytest.Pytester
) -> None:
    project.makepyfile("""
        from rectifiers import Broken

        def test_relu(assert_conforms):
            assert_conforms(Broken, subjects=["relu"])
    """)
    result = session()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *RuntimeError: the library is not installed"])


def test_backend_that_supports_nothing_of_it_fails(session: Run, project: pytest.Pytester) -> None:
    project.makepyfile("""
        from rectifiers import Well

        def test_dense(assert_conforms):
            assert_conforms(Well, subjects=["Dense"])
    """)
    result = session()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *nothing that it was asked conforms"])


def test_class_that_cannot_be_imported_is_refused(session: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_relu(assert_conforms):
            class Mine: pass
            assert_conforms(Mine)
    """)
    result = session()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *Mine cannot be imported by its name; *"])


def test_recorded_deviation_that_no_longer_holds_fails(session: Run, project: pytest.Pytester) -> None:
    project.makepyfile(
        leaks="""
        from conformance.cases.case import Case, Literal
        from conformance.dialects.deviation import Deviation, Dialect, Raises, subject

        witness = Case(
            "activations.relu", inputs=(Literal((1,), (-4.0,)),), observables=("output/0",)
        )
        refuses = Deviation(
            "refuses", "it refuses", "bug", "", "", "", subject("activations.relu"),
            Raises("internal", "call", ("output/0",), ""), (witness,),
        )
        DIALECTS = {"Well": Dialect((refuses,))}
        """
    )
    project.makepyfile("""
        from rectifiers import Well

        def test_relu(assert_conforms):
            assert_conforms(Well, subjects=["relu"], dialects=["leaks"])
    """)
    result = session()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *recorded deviation refuses no longer holds: it refuses"])
