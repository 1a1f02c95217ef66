"""The dialect of a backend whose relu may never answer."""

from __future__ import annotations

from conformance.cases.case import Case, Literal
from conformance.dialects.deviation import Deviation, Dialect, Unpredictable, subject
from conformance.verdicts import Verdict

RELU = Case("activations.relu", inputs=(Literal((1,), (-1.0,)),), observables=("output/0",))

DIALECTS = {
    "rounded": Dialect(
        (
            Deviation(
                id="endless-relu",
                summary="relu may never answer.",
                kind="bug",
                source="rounded 1",
                upstream="none found (nobody else has it)",
                versions="",
                scope=subject("activations.relu"),
                effect=Unpredictable(Verdict.TIMED_OUT, ("*",), "gave no answer within"),
                witnesses=(RELU,),
            ),
        )
    )
}
