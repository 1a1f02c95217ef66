"""Shows an explanation: on a terminal as text and a table, to programs as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.cases.case import encode
from conformance.explaining import Element, Explanation
from conformance.reference_impl.decomposition import Term

TERMS_SHOWN = 15


def show(console: Console, explanation: Explanation) -> None:
    """Print the case, the verdict, the worst element, and its limit term by term."""
    e = explanation
    versions = ", ".join(f"{name} {version}" for name, version in sorted(e.versions.items()))
    facts = {
        "Check": f"{e.case.subject} · {e.property} · {e.observable} on {e.backend}",
        "Versions": versions,
        "Case": f"{e.case.id} {msgspec.json.encode(e.case.config, order='sorted').decode()}",
        **{name.capitalize(): text for name, text in e.inputs.items()},
    }
    for name, text in facts.items():
        _say(console, name, text, max(map(len, facts)))
    console.print()
    verdict = Text(str(e.judgement.verdict), style="bold")
    if e.judgement.message:
        verdict.append(f": {e.judgement.message}", style="not bold")
    console.print(verdict, soft_wrap=True)
    if e.judgement.required_rung is not None:
        reached = e.judgement.rung or "none"
        _say(console, "Rung", f"{e.judgement.required_rung} is required, {reached} is reached")
    if e.element is None:
        _say(console, "Observed", e.observed)
        _say(console, "Expected", e.expected)
    else:
        _show_element(console, e.element)
        _show_terms(console, e.element, e.terms)
        _show_arithmetic(console, e.arithmetic)
    for d in e.deviations:
        part = {None: "", True: "; reached", False: "; not reached"}[d.reached]
        part += "; the verdict rests on it" if d.explains else ""
        _say(console, "Deviation", f"{d.id} ({d.effect}{part}): {d.summary}")
    if not e.deviations:
        _say(console, "Deviation", "none that is recorded applies to this case and observable")


def _say(console: Console, name: str, text: str, width: int = 10) -> None:
    console.print(Text(f"{name:<{width}}  ", style="dim").append(text, style="not dim"), soft_wrap=True)


def _show_element(console: Console, element: Element) -> None:
    place = ", ".join(map(str, element.place))
    margin = "∞" if math.isinf(element.margin) else f"{element.margin:.3g}"
    _say(console, "Worst", f"element [{place}], at {margin} of its limit")
    _say(console, "Observed", f"{element.observed:.9g}")
    _say(console, "Expected", f"{element.expected:.17g}")
    _say(console, "Error", f"{element.error:.3g}")
    _say(console, "Limit", f"{element.limit:.6g}")


def _show_terms(console: Console, element: Element, terms: tuple[Term, ...]) -> None:
    console.print()
    if element.limit == 0:
        console.print("The limit is 0: nothing on the way to this element rounds, and equality is due.")
    elif math.isinf(element.limit):
        console.print("The limit is infinite: the arithmetic promises nothing of this element.")
    if not terms:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Part", "Operation", "Element", "Value", "Received", "Own", "Reach", "Adds"):
        table.add_column(heading, justify="left" if heading in ("Operation", "Element") else "right")
    table.add_column("What it computes", overflow="fold", style="dim")
    adding = [term for term in terms if term.contribution > 0]
    for term in adding[:TERMS_SHOWN]:
        table.add_row(
            f"{term.contribution / element.limit:.1%}",
            term.operation + (f" ({term.entry})" if term.entry else ""),
            f"[{', '.join(map(str, term.place))}]",
            f"{term.value:.6g}",
            f"{term.received:.3g}",
            f"{term.own:.3g}",
            f"{term.reach:.3g}",
            f"{term.contribution:.3g}",
            term.formula,
        )
    console.print(table)
    if len(adding) > TERMS_SHOWN:
        rest = sum(term.contribution for term in adding[TERMS_SHOWN:])
        console.print(f"and {len(adding) - TERMS_SHOWN} more, {rest / element.limit:.1%} together")
    total, exact = _sums(terms)
    console.print(
        f"Received: the error from the operands. Own: what the operation's rounding adds. Reach: by how much "
        "an error there widens the limit. Adds: own × reach, summed over all its elements.\n"
        f"Together {total:.6g}, and the limit is {element.limit:.6g}. If operands were exact their roundings "
        f"would make {exact:.6g}; the rest is due to the errors they meet, and is no single rounding's.",
        soft_wrap=True,
    )


def _show_arithmetic(console: Console, arithmetic: dict[str, Any]) -> None:
    console.print()
    parts = [
        f"{arithmetic['name']}, unit roundoff 2^{math.log2(arithmetic['unit_roundoff']):g}, "
        f"subnormals {arithmetic['subnormals']}"
    ]
    parts += [f"{name} {chosen}" for name, chosen in arithmetic["algorithms"].items()]
    for name, entry in arithmetic["ulps"].items():
        looser = ", looser than published" if entry["looser_than_published"] else ""
        parts.append(f"{name} {entry['ulps']:g} ULP{looser}")
    _say(console, "Arithmetic", "; ".join(parts))


def _sums(terms: tuple[Term, ...]) -> tuple[float, float]:
    """Of what the terms contribute, and of what they would if all operands were exact."""
    return math.fsum(t.contribution for t in terms), math.fsum(t.of_exact for t in terms)


def as_json(explanation: Explanation) -> bytes:
    """The same for programs, with all terms; what is not finite is a string, as in a case's literals."""
    content = {name: value for name, value in vars(explanation).items() if name != "case"}
    content |= {
        "case": explanation.case.id,
        "recipe": msgspec.json.decode(encode(explanation.case)),
        "judgement": asdict(explanation.judgement),
        "element": None if explanation.element is None else asdict(explanation.element),
        "terms": [asdict(term) for term in explanation.terms],
        "sums": dict(zip(("contribution", "of_exact"), _sums(explanation.terms), strict=True)),
        "deviations": [asdict(d) for d in explanation.deviations],
    }
    return msgspec.json.format(msgspec.json.encode(_finite(content)), indent=2)


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float() if not math.isfinite(value):
            return str(float(value))
    return value
