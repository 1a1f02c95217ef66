"""The checks of a model that went from each program to every other (`exchange`).

A backend that saves is held against the model that it was given, and one that loads against what stands in
the file, by the specification's reading of it; where that cannot read what another one has saved, against the
model of the case. Conversion is the suite's own: that what it writes computes the same, its tests show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from conformance.cases.case import Case, Recipe
from conformance.cases.data import Data
from conformance.cases.models import (
    UNREADABLE,
    configuration,
    described,
    loaded_parts,
    marks,
    saved_parts,
    weight_name,
)
from conformance.cases.properties.property import Property, matches
from conformance.checks import Bench, Ruling, Trial, agree
from conformance.dialects.exchanging import models_in
from conformance.interchange.exchange import Exchanged, Nothing, Row, formats_of, told
from conformance.interchange.files import File, read
from conformance.judging import Judgement
from conformance.reference_impl.models.graph import graph, is_operation
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject
from conformance.runners.protocol import Observed, WireJSON, to_wire
from conformance.verdicts import SPECIFICATION, Check, Verdict


def check_exchange(
    case: Case, data: Data, benches: Sequence[Bench], exchanged: Exchanged, properties: Sequence[Property]
) -> tuple[Check, ...]:
    """The checks of a case about a model: of every backend that saves, by format, and of every one that
    loads, by who has saved and the format."""
    judge = _Judge(case, data, exchanged)
    return tuple(check for property_ in properties for check in judge.checks(property_, benches))


@dataclass(frozen=True)
class Held:
    """What a file holds, as a case and its data."""

    case: Case
    data: Data


class _Judge:
    """Reads every file once, and judges by each."""

    def __init__(self, case: Case, data: Data, exchanged: Exchanged) -> None:
        self.given, self.exchanged = Held(case, data), exchanged
        self.configuration = configuration(case)
        self._by_specification = {
            file.digest
            for row, file in exchanged.files.items()
            if row.saver == SPECIFICATION and isinstance(file, File)
        }
        self._read: dict[str, Held | FormatError] = {}
        self._trials: dict[tuple[str, str], Trial] = {}

    def checks(self, property_: Property, benches: Sequence[Bench]) -> Iterator[Check]:
        for name in saved_parts(self.given.case):
            if matches(property_.observables, name):
                for bench in benches:
                    yield from self._of_saving(property_, name, bench)
        for name in loaded_parts(self.given.case):
            if matches(property_.observables, name):
                yield from self._of_loading(property_, name, benches)

    def _of_saving(self, property_: Property, name: str, bench: Bench) -> Iterator[Check]:
        saves = formats_of(bench, self.given.case, "file/{}")
        for format_ in saves:
            ruling = self._saved(property_, name, bench, format_)
            yield self._check(property_, name, bench, ruling, Row("", format_))
        if not saves:
            yield self._check(
                property_, name, bench, _nothing(Nothing(f"{bench.name} saves no models")), Row("", "")
            )

    def _saved(self, property_: Property, name: str, bench: Bench, format_: str) -> Ruling:
        own = self.exchanged.own[bench.name]
        if isinstance(own, Nothing):
            return _nothing(own)
        answer = own.answer[f"file/{format_}"]
        if not isinstance(answer, WireJSON):
            return self._trial(bench, own.file).rule(property_, name, {name: answer})
        saved = self.exchanged.files[Row(bench.name, format_)]
        problem = saved.reason if isinstance(saved, Nothing) else ""
        held = self._held(saved) if isinstance(saved, File) else FormatError("", "", problem)
        observed: Observed
        if isinstance(held, FormatError):
            observed = WireJSON(f"{UNREADABLE}{told(held)}")
        elif name == "saved/config":
            observed = WireJSON(
                {"class_name": held.case.subject.partition(".")[2], "config": held.case.config}
            )
        else:
            observed = WireJSON(
                {key: msgspec.to_builtins(to_wire(x)) for key, x in held.data.weights.items()}
            )
        return self._trial(bench, own.file).rule(property_, name, {name: observed})

    def _of_loading(self, property_: Property, name: str, benches: Sequence[Bench]) -> Iterator[Check]:
        for row in self.exchanged.files:
            rulings = {bench.name: self._loaded(property_, name, bench, row) for bench in benches}
            for bench in benches:
                ruling = rulings[bench.name]
                check = self._check(property_, name, bench, ruling, row)
                others = (other for other in rulings if other != bench.name and agree(ruling, rulings[other]))
                yield msgspec.structs.replace(check, agrees_with=tuple(others))

    def _loaded(self, property_: Property, name: str, bench: Bench, row: Row) -> Ruling:
        file = self.exchanged.files[row]
        if isinstance(file, Nothing):
            return _nothing(file)
        loading = self.exchanged.loadings[bench.name][row]
        if isinstance(loading, Nothing):
            return _nothing(loading)
        return self._trial(bench, loading.file).rule(property_, name, loading.answer)

    def _check(self, property_: Property, name: str, bench: Bench, ruling: Ruling, row: Row) -> Check:
        return Check(
            case=self.given.case.id,
            backend=bench.name,
            subject=self.given.case.subject,
            property=property_.name,
            observable=name,
            verdict=ruling.judgement.verdict,
            required_rung=ruling.judgement.required_rung,
            rung=ruling.judgement.rung,
            margin=ruling.judgement.margin,
            deviations=ruling.deviations,
            message=ruling.judgement.message,
            differs=ruling.judgement.differs,
            peer=row.saver,
            format=row.format,
        )

    def _trial(self, bench: Bench, file: File) -> Trial:
        """The backend before what the file holds."""
        held = self.given if file.digest in self._by_specification else self._held(file)
        if isinstance(held, FormatError):
            held = self.given
        key = bench.name, "" if held is self.given else file.digest
        if key not in self._trials:
            self._trials[key] = Trial(held.case, held.data, bench)
        return self._trials[key]

    def _held(self, file: File) -> Held | FormatError:
        """What the specification reads in the file; the case itself, where that is the same."""
        if file.digest not in self._read:
            try:
                self._read[file.digest] = self._as_read(file)
            except FormatError as error:
                self._read[file.digest] = error
        return self._read[file.digest]

    def _as_read(self, file: File) -> Held:
        found, by_layer = read(file, self.configuration)
        weights = {weight_name(path, name): x for path, own in by_layer.items() for name, x in own.items()}
        same = described(found) == described(self.configuration) and orders(found) == orders(
            self.configuration
        )
        if same and marks(weights) == marks(self.given.data.weights):
            return self.given
        case = msgspec.structs.replace(
            self.given.case,
            subject=f"models.{found['class_name']}",
            config=found["config"],
            weights={name: Recipe("computed", x.shape, 0, x.dtype.name) for name, x in weights.items()},
        )
        return Held(case, replace(self.given.data, weights=weights))


def orders(model: JSONObject) -> list[list[str]]:
    """The names of the layers in the order in which they are told, in every model, the outermost first, in
    which one is called several times: a program that loads it may count the calls by that order."""
    return [
        [name for name, layer in found.layers.items() if not is_operation(layer)]
        for found in map(graph, models_in(model))
        if any(call.index for call in found.calls)
    ]


def _nothing(given: Nothing) -> Ruling:
    verdict = Verdict.UNSUPPORTED if given.unsupported else Verdict.NOT_RUN
    return Ruling(Judgement(verdict, message=given.reason))
