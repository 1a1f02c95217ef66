"""The command `python -m proofs.models`; see the package's README."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance.runners.registry import KERAS_TENSORFLOW

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "models.json"
ON_PLAIN_JAVASCRIPT = {"MobileNet"}
"""Families that are small enough for it; models that are no family are asked there too."""


def made(directory: Path, names: Iterable[str]) -> list[Path]:
    """The models, saved by Keras."""
    subprocess.run(
        [sys.executable, Path(__file__).with_name("zoo.py"), directory, *names],
        check=True, env=os.environ | KERAS_TENSORFLOW, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return sorted(directory.glob("*.keras"))


def checked(model: Path) -> dict[str, Any]:
    """What `conformance check` says of it, and in how many seconds."""
    small = model.stem in ON_PLAIN_JAVASCRIPT or model.stem.islower()
    backends = ("tfjs-wasm", *(("tfjs-cpu",) if small else ()))
    options = [word for name in backends for word in ("--backend", name)]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "check", model, "--json", *options],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    answer = {
        "model": model.stem,
        "seconds": round(time.monotonic() - began, 1),
        "exit_code": done.returncode,
    }
    if not done.stdout:
        words = re.sub(r"[^\x20-\x7e]+", " ", done.stderr.partition("Error")[2]).split()
        return answer | {"refused": " ".join(words)}
    found = json.loads(done.stdout)
    return answer | {
        "layers": found["layers"],
        "objections": found["objections"],
        "rewrites": found["rewrites"],
        "backends": [
            {key: one[key] for key in ("backend", "outcome", "failure", "layers", "conforming", "first")}
            | {key: one[key] for key in ("unjudged", "worst_margin", "ends", "seconds")}
            for one in found["backends"]
        ],
    }


def line(row: dict[str, Any]) -> str:
    """A row for people."""
    if "refused" in row:
        return f"{row['model']}: refused: {row['refused']}"
    said = []
    for one in row["backends"]:
        first = one["first"]
        departs = f", first {first['layer']} {first['observable']} {first['verdict']}" if first else ""
        said.append(
            f"{one['backend']} {one['outcome']}: {one['conforming']} of {one['layers']} layers conform, "
            f"worst margin {one['worst_margin']}{departs}"
        )
    objections = [f"{o['layer']}: {o['argument']} = {o['value']}" for o in row["objections"]]
    return f"{row['model']} in {row['seconds']} s: " + "; ".join([*said, *objections])


def main() -> None:
    """Make, check and tell; exits with 1 where a model that was converted computes something else. Where not
    all were asked for, what the report has of others stays."""
    parser = argparse.ArgumentParser(prog="python -m proofs.models", description=__doc__)
    parser.add_argument("names", nargs="*", help="models; default: all")
    parser.add_argument("--saved", type=Path, metavar="DIR", help="take those that are saved there")
    parser.add_argument("--report", type=Path, default=REPORT)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conformance-") as directory:
        models = sorted(given.saved.glob("*.keras")) if given.saved else made(Path(directory), given.names)
        rows = []
        for model in models:
            rows.append(checked(model))
            print(line(rows[-1]), flush=True)
    kept = (
        json.loads(given.report.read_text()) if given.report.exists() and (given.names or given.saved) else []
    )
    told = {row["model"]: row for row in (*kept, *rows)}
    given.report.write_text(json.dumps([told[name] for name in sorted(told)], indent=1) + "\n")
    converted = [row for row in rows if not row.get("objections") and "refused" not in row]
    same = [row for row in converted if all(b["outcome"] == "same" for b in row["backends"])]
    print(f"{len(rows)} models: {len(converted)} converted, {len(same)} compute the same")
    sys.exit(0 if len(same) == len(converted) else 1)


if __name__ == "__main__":
    main()
