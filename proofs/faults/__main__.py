"""The command `python -m proofs.faults`; see the package's docstring."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import msgspec

from conformance.cases import corpus
from conformance.engine import Plan
from conformance.runners import registry
from conformance.runners.question import Limits
from proofs.faults.sabotage import prove

REPORT = Path(__file__).parent.parent.parent / "reports" / "faults.json"

LIMITS = Limits(case_s=10, observable_s=10)

REQUIRED_S = {"keras-tensorflow": 6.0, "tfjs-cpu": 2.0, "tfjs-wasm": 2.0}
"""Within how many seconds each backend has to be back."""


def main() -> None:
    """Run the proof, write its report, and say what came of it.

    Raises:
        SystemExit: the proof has failed.
    """
    parser = argparse.ArgumentParser(prog="python -m proofs.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="how many in all; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of where they strike; default: %(default)s")
    parser.add_argument("--report", type=Path, default=REPORT, help="default: reports/faults.json")
    arguments = parser.parse_args()
    known = registry.backends()
    plan = Plan(corpus.load("quick"), tuple(known[name] for name in REQUIRED_S), limits=LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        outcome = prove(plan, arguments.faults, arguments.seed, Path(folder))
    report = {"seed": arguments.seed, "required_s": REQUIRED_S, **msgspec.to_builtins(outcome)}
    arguments.report.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    print(
        f"{sum(outcome.faults.values())} faults of {len(outcome.faults)} kinds hit {outcome.hit} cases; of "
        f"{outcome.checks} checks, {outcome.broken} of those cases are broken, {len(outcome.departures)} "
        f"depart; {outcome.left_behind} processes were left behind"
    )
    for name, recovery in outcome.recovery.items():
        print(
            f"{name}: {recovery.restarts} restarts, back after {recovery.median_s:.2f} s in the median, "
            f"{recovery.max_s:.2f} s at most; required: {REQUIRED_S[name]:g} s"
        )
    print(*outcome.departures, sep="\n")
    late = [name for name, recovery in outcome.recovery.items() if recovery.max_s > REQUIRED_S[name]]
    committed = sum(outcome.faults.values()) == arguments.faults
    if late or outcome.departures or outcome.left_behind or not committed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
