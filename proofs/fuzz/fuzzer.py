"""Fuzzes one target: `python -m proofs.fuzz.fuzzer TARGET DIRECTORY`, then libFuzzer's options.

A finding is kept as it comes up, and fuzzing goes on; an input that ends the process (a crash, a hang) is
kept by libFuzzer.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["conformance", "zipfile"]):
    from conformance.reference_impl.saving.saved_model import FormatError
    from proofs.fuzz.targets import TARGETS

from proofs.fuzz.directory import Directory, Extremes
from proofs.fuzz.mutations import Draw
from proofs.fuzz.oracle import TIMES_SOUND, Oracle


class Fuzzing:
    """Inputs of one target: read, judged, changed, and kept where something is wrong."""

    def __init__(self, name: str, directory: Directory) -> None:
        self.target, self.own = TARGETS[name], directory.of(name)
        self.path = self.own.scratch / self.target.file
        self.layers = json.loads(directory.layers.read_text())
        self.elsewhere = directory.elsewhere
        self.extremes = Extremes()
        self.known = {finding.signature for finding, _ in self.own.findings()}
        self.oracle = Oracle(self.own.scratch, self.elsewhere)
        self.oracle.seconds_per_byte = TIMES_SOUND * self.dearest()

    def dearest(self) -> float:
        """Seconds that the byte of a seed takes at most, where it is not refused; what reading imports is
        imported then."""
        dearest = 0.0
        for seed in self.own.seeds.iterdir():
            content = seed.read_bytes()
            self.target.put(content, self.path)
            began = time.process_time()
            with suppress(FormatError):
                self.target.read(self.path)
                dearest = max(dearest, (time.process_time() - began) / len(content))
        return dearest

    def read(self, content: bytes) -> int:
        """Judge an input; -1 for what is not to be kept as one."""
        if not self.target.put(content, self.path):
            return -1
        finding = self.oracle.judge(self.target.read, self.path, len(content))
        extremes = Extremes(self.oracle.slowest_s, self.oracle.most_bytes)
        if extremes != self.extremes:
            self.own.extremes = self.extremes = extremes
        if finding and finding.signature not in self.known:
            self.known.add(finding.signature)
            self.own.keep(finding, content)
        return 0

    def mutated(self, content: bytes, most: int, seed: int) -> bytes:
        draw = Draw(Random(seed), atheris.Mutate, self.layers, self.elsewhere)
        changed = self.target.mutated(content, draw)
        return changed if len(changed) <= most else content


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    name, directory, *options = sys.argv[1:]
    fuzzing = Fuzzing(name, Directory(Path(directory).resolve()))
    atheris.Setup([sys.argv[0], *options], fuzzing.read, custom_mutator=fuzzing.mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
