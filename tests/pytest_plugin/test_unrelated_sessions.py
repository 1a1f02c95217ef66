"""A session that does not ask for the suite notices nothing of the plugin."""

from __future__ import annotations

from importlib import metadata

import pytest

from .conftest import Run, asks

HEAVY = ("anyio", "hypothesis", "jinja2", "msgspec", "numpy", "psutil", "rich", "tensorflow")


def test_installed_package_brings_the_plugin() -> None:
    points = {point.value for point in metadata.entry_points(group="pytest11", name="conformance")}
    assert points == {"conformance.pytest_plugin"}, "install the package anew: pip install -e ."


def test_plugin_imports_nothing_that_takes_time(session: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""
        import sys

        def test_it():
            assert not [m for m in {HEAVY} if m in sys.modules]
            assert {{m for m in sys.modules if m.partition('.')[0] == 'conformance'}} == {{
                'conformance', 'conformance.pytest_plugin'
            }}
    """)
    session().assert_outcomes(passed=1)


def test_suite_does_not_import_tensorflow(session: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import sys

        def pytest_unconfigure():
            print("runtimes:", [m for m in ("tensorflow", "keras", "cupy") if m in sys.modules])
    """)
    result = session("--pyargs", "conformance", ".", "--conformance-subject", "relu", *asks("well"))
    result.stdout.fnmatch_lines(["runtimes: []"])


def test_options_of_the_project_are_its_own(session: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        def pytest_addoption(parser):
            for name in ("backend", "subject", "case", "device", "seed"):
                parser.addoption(f"--{name}", default="theirs")

        @pytest.fixture
        def backend(request):
            return request.config.getoption("--backend")
    """)
    pytester.makepyfile("def test_it(backend): assert backend == 'torch'")
    session("--backend", "torch").assert_outcomes(passed=1)
    beside = ("--pyargs", "conformance", ".", "--backend", "torch", "--conformance-subject", "relu")
    result = session(*beside, "-k", "test_it or relu-forward", *asks("well"))
    assert result.parseoutcomes()["passed"] == 2


def test_options_without_the_suite_are_noticed(session: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = session(*asks("well"))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["conformance: --conformance-backend-command without effect; *"])
