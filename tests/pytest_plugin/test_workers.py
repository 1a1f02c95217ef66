"""The suite under pytest-xdist: who asks what, and what is left of a worker that dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.reporting.parts import PARTS
from conformance.reporting.store import read

from .conftest import RECTIFIED, Run, asked, asks_logged, questions, starts

HOWS = ("well", "leaky")
SUITE = (
    "-p", "xdist.plugin", "--conformance-subject", "relu", "--conformance-results", "results",
    *(word for how in HOWS for word in asks_logged(how)),
)  # fmt: skip

DIES = """
import os
from pathlib import Path

def pytest_configure(config):
    global in_worker
    in_worker = hasattr(config, "workerinput")

def pytest_runtest_logreport(report):
    here = in_worker and report.when == "call"
    if here and report.nodeid.endswith("relu-forward-well") and not Path("died").exists():
        Path("died").touch()
        os._exit(1)
"""
"""A plugin by which a worker dies, once, at the first report about the well backend."""


@pytest.mark.parametrize(
    ("workers", "dist"),
    [("-n2", "load"), ("-n2", "loadscope"), ("-n2", "loadfile"), ("-n2", "loadgroup"), ("-n4", "worksteal")],
)
def test_case_is_asked_once_per_session(
    suite: Run, pytester: pytest.Pytester, workers: str, dist: str
) -> None:
    """However items are distributed, each backend is started once, in one worker."""
    pytester.makepyfile("def test_mine(): pass\ndef test_too(): pass")
    result = suite(".", workers, "--dist", dist, *SUITE)
    assert result.parseoutcomes()["failed"] == 1
    assert result.parseoutcomes()["passed"] == 5
    for how in HOWS:
        assert starts(how) == 1
        assert len(asked(how)) == questions(RECTIFIED)
    result.stdout.re_match_lines([r"well: \d+ of \d+ checks conform, .*", r"leaky: \d+ of .*"])
    results = read(Path("results")).results
    assert (results.status, [b.name for b in results.backends]) == ("complete", ["leaky", "well"])
    assert not Path("results", PARTS).exists()


def test_worker_that_dies_is_replaced_and_nothing_is_lost(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(dies=DIES)
    suite("-p", "dies", "-n2", *SUITE)
    assert Path("died").exists()
    assert (starts("well"), starts("leaky")) == (2, 1)
    assert read(Path("results")).results.status == "complete"


def test_worker_that_dies_and_is_not_replaced_leaves_what_it_judged(
    suite: Run, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(dies=DIES)
    suite("-p", "dies", "-n1", "--max-worker-restart", "0", "-k", "relu-forward", *SUITE)
    report = read(Path("results"))
    assert report.results.status == "interrupted"
    judged = {check.case for check in report.checks}
    assert len(asked("well")) == questions((case for case in RECTIFIED if case.id in judged), related=False)
    assert not Path("asked.leaky").exists()


def test_first_failure_ends_all_workers(suite: Run) -> None:
    result = suite("-n2", "-x", "-k", "relu-forward", *SUITE)
    assert result.parseoutcomes()["failed"] == 1
    assert "leaky" in [backend.name for backend in read(Path("results")).results.backends]
