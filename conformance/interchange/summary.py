"""What a conversion has to say, in lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from conformance.interchange.conversion import Conversion, Refused
from conformance.interchange.verdict import Objection


def lines(done: Conversion) -> Iterator[str]:
    """For people."""
    for rewrite in done.rewrites:
        yield f"layer {rewrite.layer}: {rewrite.what} → {rewrite.how} ({rewrite.why})"
    for what in done.left_out:
        yield f"{_place(what)}: left out, so it computes something else there"
    for what in done.deviating:
        yield f"{_place(what)}: {what.remedy}"
    yield from done.notes
    for lost in done.lost:
        yield f"{lost.what} is not carried: {lost.why}; {lost.remedy}"
    yield f"{done.out}: written for {done.target}, from {done.source}"


def refusal(refused: Refused) -> Iterator[str]:
    """For people: every reason, and what to do."""
    for what in refused.why:
        yield f"{refused.file}: {_place(what)}: {what.remedy}"
    yield (
        f"{refused.file}: not converted; change the layers named above, or let them compute something else "
        "by --allow-deviations"
    )


def as_json(done: Conversion) -> str:
    """The same for programs."""
    told = {
        "schema": 1,
        "source": done.source,
        "target": done.target,
        "out": str(done.out),
        "rewrites": [{"layer": r.layer, "what": r.what, "why": r.why, "how": r.how} for r in done.rewrites],
        "left_out": [{"layer": u.layer, "argument": u.argument, "value": u.value} for u in done.left_out],
        "deviating": [
            {"layer": o.layer, "argument": o.argument, "deviation": o.deviation, "remedy": o.remedy}
            for o in done.deviating
        ],
        "notes": list(done.notes),
        "lost": [{"what": lost.what, "why": lost.why, "remedy": lost.remedy} for lost in done.lost],
    }
    return msgspec.json.encode(told).decode()


def _place(what: Objection) -> str:
    return f"layer {what.layer}: {what.reason}"
