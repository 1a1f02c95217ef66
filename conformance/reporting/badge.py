"""Renders a report as the JSON of a shields.io endpoint badge. Its denominator is all checks: nothing that
was not run counts as passed."""

from __future__ import annotations

import json

from conformance.reporting.ledger import Totals, total
from conformance.reporting.results import Results
from conformance.reporting.store import Report

LABEL = "layers conformance"


def render(report: Report) -> str:
    """One JSON object, in lines."""
    message, color = message_and_color(report.results, total(report.results.cells))
    content = {"schemaVersion": 1, "label": LABEL, "message": message, "color": color}
    return json.dumps(content, indent=2) + "\n"


def message_and_color(results: Results, totals: Totals) -> tuple[str, str]:
    """The worst that there is to say: failures are red, what is not known grey, what was left out yellow."""
    of = f"of {totals.checks:,} checks"
    failed = totals.findings + totals.broken
    lost = sum(deviation.holds is False for deviation in results.deviations)
    if failed:
        return f"{failed:,} {of} failed", "red"
    if lost:
        which = "recorded deviation does" if lost == 1 else "recorded deviations do"
        return f"{lost} {which} not hold", "red"
    if results.unavailable:
        return f"{results.unavailable[0].backend} not started", "lightgrey"
    if results.status == "interrupted":
        return "interrupted", "lightgrey"
    if totals.not_run + totals.unsupported == totals.checks:
        return "nothing asked", "lightgrey"
    narrowed = results.suite.selection.keys() - {"backend"} or results.suite.profile
    message = f"{totals.conforms:,} {of} conform{' (partial run)' if narrowed else ''}"
    if totals.conforms == totals.checks:
        return message, "brightgreen"
    return message, "green" if totals.conforms + totals.deviates == totals.checks else "yellow"
