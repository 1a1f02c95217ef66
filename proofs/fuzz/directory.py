"""Where a run keeps its files: seeds, corpora and findings of each target, which several processes see."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from proofs.fuzz.oracle import Finding


@dataclass(frozen=True)
class Extremes:
    """The most that one input has taken."""

    slowest_s: float = 0.0
    most_bytes: int = 0


class Own:
    """The directory of a target.

    Attributes:
        seeds, corpus: inputs, the ones that were written and those that fuzzing kept.
        scratch: in which inputs are read.
        kept: inputs that were found to be read as they must not be, and what was found, a JSON line each.
        ended: inputs in which the process ended, by names that libFuzzer gives.
    """

    def __init__(self, root: Path) -> None:
        self.seeds, self.corpus, self.scratch = root / "seeds", root / "corpus", root / "scratch"
        self.kept, self.ended = root / "kept", root / "ended"
        for directory in (self.seeds, self.corpus, self.scratch, self.kept, self.ended):
            directory.mkdir(parents=True, exist_ok=True)
        self._extremes = root / "extremes.json"

    def keep(self, finding: Finding, content: bytes) -> None:
        words = re.sub(r"\W+", "-", finding.signature).strip("-")[:80]
        file = self.kept / f"{words}-{hashlib.sha256(content).hexdigest()[:8]}"
        file.write_bytes(content)
        file.with_name(f"{file.name}.json").write_text(json.dumps(asdict(finding)))

    def findings(self) -> Iterator[tuple[Finding, Path]]:
        """What was found, and the inputs."""
        for told in sorted(self.kept.glob("*.json")):
            yield Finding(**json.loads(told.read_text())), told.with_suffix("")

    @property
    def extremes(self) -> Extremes:
        return Extremes(**json.loads(self._extremes.read_text())) if self._extremes.exists() else Extremes()

    @extremes.setter
    def extremes(self, extremes: Extremes) -> None:
        self._extremes.write_text(json.dumps(asdict(extremes)))


class Directory:
    """The directory of a run.

    Attributes:
        layers: a file with a description of every layer, in JSON.
        elsewhere: a file to which inputs may point, in a directory of its own; nobody may open it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layers, self.elsewhere = root / "layers.json", root / "elsewhere" / "elsewhere.h5"
        self.elsewhere.parent.mkdir(exist_ok=True)

    def of(self, target: str) -> Own:
        return Own(self.root / target)
