"""Shows on one screen what a check of a model has found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.interchange.verdict import Checked, Departure, End, Expected, Failure, OnBackend, Outcome
from conformance.reporting.legend import tone
from conformance.reporting.model_words import CONNECTED_OTHERWISE, OUTCOMES, cut_off

STYLES = {
    "conforms": "bold green",
    "deviates": "bold yellow",
    "unspecified": "bold magenta",
    "finding": "bold red",
    "not-run": "bold red",
}
"""How outcomes are shown, by the tone of the verdict whose sign stands for them."""

LAYERS_SHOWN = 4
"""Layers that are named in one line."""

EXPECTED_SHOWN = 6
"""Recorded deviations of a backend that are shown."""


def show(console: Console, checked: Checked) -> None:
    """Print what there is to know: the model, each backend's outcome, its cause and remedy, and the times."""
    console.print(_heading(checked), soft_wrap=True)
    for objection in checked.objections:
        line = Text.assemble(
            ("✕ ", "bold red"), (objection.layer, "bold"), f": {objection.argument} = {objection.value}"
        )
        console.print(line)
        console.print(_remedy(objection.remedy))
    for rewrite in checked.rewrites:
        console.print(_indented(Text(f"{rewrite.layer}: {rewrite.what} → {rewrite.how} ({rewrite.why})")))
    for backend in checked.backends:
        console.print()
        console.print(Group(*_backend(backend, checked)))
    if checked.keras is None:
        return
    if checked.keras.failure is not None:
        console.print()
        console.print(
            Text.assemble(
                (checked.keras.backend, "bold"), ": ", ("gives nothing to compare with", "bold red")
            )
        )
        console.print(Group(*_failure(checked.keras.failure)))
    console.print()
    console.print(_times(checked))


def _heading(checked: Checked) -> Text:
    inputs = ", ".join(f"{x.name} {x.dtype} {list(x.shape)}" for x in checked.inputs)
    made_by = f", {checked.made_by}" if checked.made_by else ""
    return Text.assemble(
        (checked.model, "bold"),
        f" ({checked.format}{made_by}): {checked.layers:,} layers, {checked.parameters:,} weights\n",
        (f"inputs: {inputs}", "dim"),
    )


def _backend(backend: OnBackend, checked: Checked) -> Iterator[RenderableType]:
    words, verdict = OUTCOMES[backend.outcome]
    style = STYLES[tone(verdict)]
    yield Text.assemble((backend.backend, "bold"), ": ", (words, style), _counted(backend))
    if backend.failure is not None and backend.outcome is not Outcome.NOT_CONVERTED:
        yield from _failure(backend.failure)
    if backend.first is not None and backend.outcome is Outcome.SAME:
        layers = tuple(dict.fromkeys(departure.layer for departure in backend.departures))
        recorded = dict.fromkeys(name for departure in backend.departures for name in departure.deviations)
        where = f"{_listed(layers)}, recorded as {', '.join(recorded)}"
        yield _indented(Text(f"otherwise inside, which no output shows: {where}"))
    elif backend.first is not None:
        yield from _departure(backend.first, len(backend.departures) - 1)
    if backend.unjudged:
        yield _indented(Text(f"not judged: {_listed(backend.unjudged)}"))
    for end in backend.ends:
        yield _indented(_end(end))
    if backend.outcome is Outcome.DEPARTS and not backend.departures:
        yield _indented(Text(CONNECTED_OTHERWISE))
    yield from _others(backend, {deviation.id: deviation.summary for deviation in checked.deviations})


def _others(backend: OnBackend, summaries: Mapping[str, str]) -> Iterator[RenderableType]:
    """The recorded deviations in scope that have not been named."""
    named = {name for departure in backend.departures for name in departure.deviations}
    named |= set(backend.failure.deviations if backend.failure else ())
    others = [expected for expected in backend.expected if expected.deviation not in named]
    if not others:
        return
    if backend.layers:
        yield _indented(Text("recorded, in scope, and not seen on these inputs:", style="dim"))
        for expected in others[:EXPECTED_SHOWN]:
            yield _indented(Text(f"{_listed(expected.layers)}: {expected.deviation}", style="dim"), 4)
    else:
        yield _indented(Text("recorded of this backend, and in scope:"))
        for expected in others[:EXPECTED_SHOWN]:
            yield _indented(_expected(expected, summaries[expected.deviation]), 4)
    if len(others) > EXPECTED_SHOWN:
        yield _indented(Text(f"and {len(others) - EXPECTED_SHOWN} more, with --json", style="dim"), 4)


def _counted(backend: OnBackend) -> str:
    if not backend.layers:
        return ""
    margin = "" if backend.worst_margin is None else f", worst margin {cut_off(backend.worst_margin):.2g}"
    return f"; {backend.conforming:,} of {backend.layers:,} layers conform{margin}"


def _failure(failure: Failure) -> Iterator[RenderableType]:
    where = f"layer {_listed(failure.layers)}: " if failure.layers else ""
    yield _indented(Text(f"at {failure.at}: {where}{failure.message}"))
    if failure.remedy:
        yield _remedy(failure.remedy)
    if failure.deviations:
        yield _indented(Text(f"recorded as {', '.join(failure.deviations)}", style="dim"))


def _departure(first: Departure, others: int) -> Iterator[RenderableType]:
    place = f" at {list(first.place)}" if first.place else ""
    call = f", call {first.call}" if first.call else ""
    line = Text.assemble(
        "first to depart: ",
        (first.layer, "bold"),
        f" ({first.class_name}{call}), {first.observable}: ",
        _number("error", first.error),
        place,
        _number(", limit", first.limit),
        _number(", margin", first.margin),
    )
    yield _indented(line)
    if first.message:
        yield _indented(Text(first.message))
    yield _remedy(first.remedy)
    if first.deviations:
        yield _indented(Text(f"recorded as {', '.join(first.deviations)}", style="dim"))
    if others:
        yield _indented(Text(f"and {others:,} more, with --json", style="dim"))


def _end(end: End) -> Text:
    sign = {True: ("= ", "green"), False: ("≠ ", "bold red"), None: ("? ", "magenta")}[end.agrees]
    parts = [f"output {end.output}, up to {end.largest:.3g}"]
    if end.from_keras is not None:
        parts.append(f"{end.from_keras:.2g} from Keras")
    if end.limit is not None:
        parts.append(f"limit {end.limit:.2g}")
    if end.from_specification is not None:
        parts.append(f"{end.from_specification:.2g} from the specification")
    return Text.assemble(sign, ", ".join(parts))


def _expected(expected: Expected, summary: str) -> Text:
    return Text.assemble((_listed(expected.layers), "bold"), f": {expected.effect}. ", (summary, "dim"))


def _times(checked: Checked) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("predict", "first", "then"):
        table.add_column(heading, no_wrap=True)
    keras = [(checked.keras.backend, checked.keras.seconds)] if checked.keras else []
    for name, seconds in [*keras, *((b.backend, b.seconds) for b in checked.backends)]:
        first, *then = seconds or (None,)
        table.add_row(name, _seconds(first), _seconds(min(then, default=None)))
    return table


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1000 * seconds:,.1f} ms"


def _number(label: str, value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{label} {value if isinstance(value, str) else format(value, '.2g')}"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - LAYERS_SHOWN:,} more" if len(names) > LAYERS_SHOWN else ""
    return ", ".join(names[:LAYERS_SHOWN]) + more


def _remedy(remedy: str) -> Padding:
    return _indented(Text.assemble(("what to change: ", "bold"), remedy))


def _indented(text: Text, by: int = 2) -> Padding:
    return Padding(text, (0, 0, 0, by))
