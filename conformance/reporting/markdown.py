"""Renders a report, or the difference of two, as Markdown for the summary of a CI job.

What backends say stands in code blocks only, where it can be neither markup nor a mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from conformance.reporting.diff import LISTED, Change, Difference
from conformance.reporting.exchanges import LEGEND, exchanges, table_rows, told
from conformance.reporting.ledger import suspect_specification, total
from conformance.reporting.legend import GLYPHS, by_kind, in_order
from conformance.reporting.results import Finding, Results
from conformance.reporting.store import Report

SHOWN = 50
"""How many findings, or groups of changes of a kind, are listed; a summary may hold 1 MiB."""

LONGEST = 1000
"""Characters of a message that are shown."""

COLUMNS = {
    "checks": "Checks",
    "conforms": "conform",
    "deviates": "deviate as recorded",
    "unsupported": "unsupported",
    "unspecified": "unspecified",
    "findings": "failed",
    "broken": "broken",
    "not_run": "not run",
}
"""The numbers of a backend's checks, by their names in `Totals`, and how they are headed."""


def render(report: Report) -> str:
    """The report: totals, findings with how to see each again, and a table of verdicts."""
    results = report.results
    return joined(
        [f"## Layers conformance: {_headline(results)}", _scope(results)],
        _backends(results),
        _notices(report),
        _findings(results.findings),
        _exchanges(report),
        _verdicts(results),
    )


def render_difference(difference: Difference) -> str:
    """The difference: how many checks of each kind on each backend, and what they are."""
    return joined(
        ["## Layers conformance, compared", f"**{difference.headline}.**"],
        [f"> {escape(notice)}" for notice in difference.notices],
        _change_counts(difference),
        *(_changes(difference, change) for change in LISTED),
        _lost(difference),
    )


def joined(*parts: Iterable[str]) -> str:
    """The blocks of all parts, a blank line between them."""
    return "\n\n".join(block for part in parts for block in part) + "\n"


def _headline(results: Results) -> str:
    if results.status == "interrupted":
        return "interrupted"
    if results.findings:
        return f"{len(results.findings):,} finding{'s' * (len(results.findings) > 1)}"
    if results.unavailable:
        return "a backend could not be started"
    if any(deviation.holds is False for deviation in results.deviations):
        return "a recorded deviation no longer holds"
    return "all as expected"


def _scope(results: Results) -> str:
    suite = results.suite
    selection = "; ".join(f"{key} {', '.join(values)}" for key, values in sorted(suite.selection.items()))
    scope = f"Suite {suite.version}, {f'corpus {suite.corpus}' if suite.corpus else 'single cases'}"
    return f"**{total(results.cells)}.** {scope}{escape(f', only {selection}') if selection else ''}."


def _backends(results: Results) -> Iterator[str]:
    """A table of totals; the first column of numbers is the denominator of the others."""
    rows = []
    for backend in results.backends:
        sums = asdict(total(cell for cell in results.cells if cell.backend == backend.name))
        versions = ", ".join(f"{name} {version}" for name, version in sorted(backend.versions.items()))
        rows.append([escape(backend.name), *(f"{sums[column]:,}" for column in COLUMNS), escape(versions)])
    yield from table(["Backend", *COLUMNS.values(), "Versions"], rows, "l" + "r" * len(COLUMNS) + "l")


def _notices(report: Report) -> Iterator[str]:
    for deviation in report.results.deviations:
        if deviation.holds is False:
            which = escape(f"{deviation.id} of {deviation.backend}")
            yield f"Recorded deviation {which} **no longer holds**: mend or remove it in the dialect."
    for doubt in suspect_specification(report.checks, report.results.deviations):
        place = escape(f"{doubt.subject} · {doubt.property} · {doubt.observable}")
        backends = escape(", ".join(doubt.backends))
        yield f"{place}: {backends} agree against the specification, which is the suspect."
    for gone in report.results.unavailable:
        yield f"**{escape(gone.backend)} could not be started:**"
        yield _code(gone.message)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield "### Findings"
    for finding in findings[:SHOWN]:
        place = escape(f"{finding.subject} · {finding.property} · {finding.observable} on {finding.backend}")
        many = f" ({finding.count:,} checks)" if finding.count > 1 else ""
        yield f"**{place}: {finding.verdict}**{many}"
        yield _code(finding.summary, finding.reproduce.command)
    if len(findings) > SHOWN:
        yield f"And {len(findings) - SHOWN:,} more in the report."


def _exchanges(report: Report) -> Iterator[str]:
    """Saved models: who has saved them, and in which format, by who has loaded them."""
    matrix = exchanges(report)
    if matrix is None:
        return
    yield "### Models between programs"
    yield LEGEND
    rows = [
        [escape(saver), escape(format_), *(f"{GLYPHS[p.verdict]} {told(p)}" if p else "" for p in places)]
        for saver, format_, places in table_rows(matrix)
    ]
    yield from table(["Saved by", "as", *map(escape, matrix.loaders)], rows, "ll" + "l" * len(matrix.loaders))


def _verdicts(results: Results) -> Iterator[str]:
    """Subjects by properties; in each place a sign for each backend."""
    names = [backend.name for backend in results.backends]
    properties = in_order({cell.property for cell in results.cells})
    verdicts = {(cell.subject, cell.property, cell.backend): cell.verdict for cell in results.cells}

    def place(subject: str, property_: str) -> str:
        found = [verdicts.get((subject, property_, name)) for name in names]
        return " ".join(GLYPHS[verdict] if verdict else "·" for verdict in found) if any(found) else ""

    subjects = [
        subject for _, group in by_kind({cell.subject for cell in results.cells}) for subject in group
    ]
    rows = [[escape(subject), *(place(subject, name) for name in properties)] for subject in subjects]
    if not rows:
        return
    used = sorted(set(verdicts.values()), key=lambda verdict: verdict.severity)
    legend = ", ".join(f"{GLYPHS[verdict]} {verdict}" for verdict in used)
    yield "### Verdicts"
    order = escape(", ".join(names))
    yield f"Each place shows the worst verdict of its checks on {order}, in this order: {legend}."
    yield from table(["Subject", *map(escape, properties)], rows, "l" + "c" * len(properties))


def _change_counts(difference: Difference) -> Iterator[str]:
    backends, counts = difference.counts
    rows = [[change.value, *(f"{count:,}" for count in row)] for change, row in counts.items()]
    if rows:
        yield from table(["Checks", *map(escape, backends)], rows, "l" + "r" * len(backends))


def _changes(difference: Difference, change: Change) -> Iterator[str]:
    groups = difference.groups(change)
    if not groups:
        return
    yield f"### {change.capitalize()}"
    lines = [f"- {escape(group.place)}: **{escape(group.became)}**{group.many}" for group in groups[:SHOWN]]
    if change is Change.NEWLY_FAILING:
        shown = zip(lines, groups, strict=False)
        lines = [f"{line}\n\n{_indented(_code(*group.how))}" for line, group in shown]
    if len(groups) > SHOWN:
        lines.append(f"- and {len(groups) - SHOWN:,} more")
    yield "\n".join(lines)


def _lost(difference: Difference) -> Iterator[str]:
    if difference.lost:
        yield "### Deviations gone"
        yield "\n".join(f"- {escape(str(lost))}" for lost in difference.lost)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], alignment: str) -> Iterator[str]:
    """The table; `alignment` has an l, c or r for each column."""
    rules = {"l": ":--", "c": ":-:", "r": "--:"}
    lines = [headings, [rules[letter] for letter in alignment], *rows]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(*texts: str) -> str:
    """A block of code that no text in it can end."""
    lines = [text if len(text) <= LONGEST else text[:LONGEST] + "…" for text in texts if text]
    content = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", content)), default=0))
    return f"{fence}text\n{content}\n{fence}"


def _indented(block: str) -> str:
    return "\n".join(f"  {line}" for line in block.splitlines())


def escape(text: str) -> str:
    """One line in which nothing is markup.

    >>> escape("hard_sigmoid | <b>")
    'hard\\\\_sigmoid \\\\| \\\\<b\\\\>'
    """
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", " ".join(text.split()))
