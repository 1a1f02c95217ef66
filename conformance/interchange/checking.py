"""Checks a saved model before backends: does it load there, does it compute the same, and if not, why.

The dialects are asked first, before anything is run. Then the model is converted into a temporary directory,
served to the backends on this machine, and run by them and by Keras; what each layer gave is judged from the
backend's own inputs to it, and the outputs are held against Keras's.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import msgspec
import numpy as np

from conformance import dialects
from conformance.checks import Bench
from conformance.dialects.deviation import Deviation, Dialect
from conformance.interchange import samples
from conformance.interchange.conversion import Conversion, Refused, Wanted, convert, converted
from conformance.interchange.depth import Chain
from conformance.interchange.judging import LayerCheck, Specified, check_layers, farthest
from conformance.interchange.preflight import Met, preflight
from conformance.interchange.rewriting import Rewrite, counted_on
from conformance.interchange.serving import serving
from conformance.interchange.structure import structure
from conformance.interchange.verdict import (
    Checked,
    Departure,
    End,
    Expected,
    Failure,
    Input,
    Judged,
    Objection,
    OfKeras,
    OnBackend,
    Outcome,
    Recorded,
    Rewritten,
)
from conformance.reference_impl.arithmetic import BadArithmetic
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.models import Model, held_by
from conformance.reference_impl.saving import formats, model_json
from conformance.reference_impl.saving.formats import TENSORFLOW_JS
from conformance.reference_impl.saving.saved_model import (
    FormatError,
    InMemory,
    LayerPath,
    StoredArray,
    loaded,
)
from conformance.runners.inspection import Inspection
from conformance.runners.process import Runner
from conformance.runners.protocol import ConcreteModel, Identity, to_wire
from conformance.runners.question import Broken
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.verdicts import BROKEN, FINDINGS, Verdict

KERAS = "keras-tensorflow"
"""The backend that runs the file as it was given."""

SERVED = "model.json"
"""The format of models that a backend is given by URL."""

REPEATS = 3
"""How often `predict` is timed."""

UNEXPLAINED = "no recorded deviation explains this: report it to the backend's maintainers, with this layer"

Tell = Callable[[str], None]
"""Is told what is being done, in a few words."""


@dataclass(frozen=True)
class Asked:
    """What is to be checked.

    Attributes:
        model: a file of Keras, or a directory of TensorFlow.js.
        backends: that load a `model.json`.
        keras: that runs the file as it was given.
        inputs: an `.npz` file; where None, they are drawn.
        samples, seed: of what is drawn.
        dialects: modules of dialects, as `engine.Plan` has them.
    """

    model: Path
    backends: tuple[BackendSpec, ...]
    keras: BackendSpec
    inputs: Path | None = None
    samples: int = samples.SAMPLES
    seed: int = 0
    dialects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Read:
    """A saved model as the specification has it.

    Attributes:
        weights: by layer and name.
    """

    format: str
    made_by: str
    model: Model
    weights: Mapping[LayerPath, Mapping[str, Array]]

    @classmethod
    def of(cls, path: Path) -> Read:
        """The model of a file, its weights in memory.

        Raises:
            FormatError: the file is not of its format, is not safe, or has a layer that is not known.
        """
        with formats.opened(path) as saved:
            try:
                model = Model.from_config(saved.configuration)
            except ValueError as error:
                raise FormatError(path, "", str(error)) from error
            weights = {
                layer: {name: loaded(stored) for name, stored in named.items() if stored.dtype != "string"}
                for layer, named in saved.weights.items()
            }
            return cls(formats.format_of(path).name, saved.made_by, model, weights)

    def specified(self, rewrites: Sequence[Rewrite], dialect: Dialect) -> dict[LayerPath, Specified]:
        """Its layers, to judge a backend's by.

        Args:
            rewrites: what conversion has done, counting on deviations of the backend at times.
        """
        wanted = counted_on(rewrites)
        return {
            path: Specified(
                layer if isinstance(layer, Layer) else None,
                held_by(path, layer, self.weights),
                tuple(d for d in dialect.deviations if d.id in wanted.get(path, ())),
            )
            for path, layer in self.model.layers()
        }

    @property
    def stored(self) -> dict[LayerPath, dict[str, StoredArray]]:
        """Its weights in the form of a file's."""
        return {layer: {n: InMemory(x) for n, x in own.items()} for layer, own in self.weights.items()}

    @property
    def parameters(self) -> int:
        return sum(x.size for named in self.weights.values() for x in named.values())


def check(asked: Asked, tell: Tell) -> Checked:
    """Check a model. Whatever is written or started on the way is gone when this returns or raises.

    Raises:
        FormatError: the model or the file of inputs is not what it should be, or is not safe.
        BadInputs: no inputs could be drawn.
        BadDialect: see `dialects.of`.
    """
    with tempfile.TemporaryDirectory(prefix="conformance-check-") as folder:
        return _Check(asked, Path(folder), tell).checked()


@dataclass(frozen=True)
class _Told:
    """What a backend has answered."""

    identity: Identity
    answer: Inspection | Broken


_Answer = _Told | BackendUnavailable


class _Check:
    """A check on its way."""

    def __init__(self, asked: Asked, folder: Path, tell: Tell) -> None:
        self.asked, self.folder, self.tell = asked, folder, tell
        tell("reading the model")
        self.given = Read.of(asked.model)
        self.inputs = (
            samples.drawn(self.given.model, asked.samples, asked.seed)
            if asked.inputs is None
            else samples.read(asked.inputs, self.given.model)
        )
        self.expected: dict[str, tuple[Met, ...]] = {}
        self.recorded: dict[str, Deviation] = {}
        """What the dialects of all backends record, by id."""
        self.preflight_s = 0.0

    def checked(self) -> Checked:
        self.tell("converting")
        try:
            conversion, served = self._served()
        except Refused as refused:
            return self._refused(refused)
        rewrites = conversion.rewrites if conversion else ()
        read = Read.of(served)
        self._fly(read, rewrites)
        self.tell("starting the backends")
        answers = asyncio.run(self._ask(served))
        self.tell("judging what each layer computed")
        keras = answers[KERAS]
        predicted = _predicted(keras)
        return self._told(
            read.model,
            keras=_of_keras(self.asked.keras.name, keras),
            rewrites=tuple(Rewritten(r.layer, r.what, r.how, r.why, r.made) for r in rewrites),
            backends=tuple(
                self._judged(spec.name, answers[spec.name], read, rewrites, predicted)
                for spec in self.asked.backends
            ),
        )

    def _served(self) -> tuple[Conversion | None, Path]:
        """The model as TensorFlow.js has it, and the path of its model.json."""
        if formats.format_of(self.asked.model) is TENSORFLOW_JS:
            return None, formats.directory_of(self.asked.model) / model_json.FILE
        directory = self.folder / "web_model"
        # What its dialects say is told by backend, and looked at; what there are no words for cannot be.
        done = converted(self.asked.model, directory, Wanted(), lambda fitted: fitted.left_out)
        return done, directory / model_json.FILE

    def _for_keras(self) -> Path:
        """The file that Keras loads: the user's own, unless that is none of Keras's."""
        if formats.format_of(self.asked.model) is not TENSORFLOW_JS:
            return self.asked.model
        path = self.folder / "model.keras"
        convert(self.asked.model, path, Wanted(allow_deviations=True))
        return path

    def _told(
        self, model: Model, *, keras: OfKeras | None, backends: tuple[OnBackend, ...],
        rewrites: tuple[Rewritten, ...] = (), objections: tuple[Objection, ...] = (),
    ) -> Checked:  # fmt: skip
        """The answer; `model` is what is shown."""
        named = dict.fromkeys([*_named(backends), *(rewrite.why for rewrite in rewrites)])
        return Checked(
            model=str(self.asked.model),
            format=self.given.format,
            made_by=self.given.made_by,
            name=self.given.model.name,
            layers=sum(1 for _ in self.given.model.layers()),
            parameters=self.given.parameters,
            inputs=tuple(Input(*described) for described in samples.summary(self.given.model, self.inputs)),
            keras=keras,
            objections=objections,
            rewrites=rewrites,
            structure=structure(model),
            deviations=tuple(_record(self.recorded[name]) for name in named if name in self.recorded),
            backends=backends,
            preflight_s=self.preflight_s,
        )

    # Before anything is run

    def _fly(self, read: Read, rewrites: Sequence[Rewrite]) -> None:
        """Ask the dialects."""
        wanted = counted_on(rewrites)
        self.tell("asking the dialects")
        begun = time.perf_counter()
        for spec in self.asked.backends:
            dialect = dialects.of(spec.name, {}, self.asked.dialects)
            self.recorded |= {deviation.id: deviation for deviation in dialect.deviations}
            self.expected[spec.name] = preflight(
                read.model, read.stored, self.inputs, dialect, "tfjs", wanted
            )
        self.preflight_s = time.perf_counter() - begun

    def _refused(self, refused: Refused) -> Checked:
        self._fly(self.given, ())
        return self._told(
            self.given.model,
            keras=None,
            objections=refused.why,
            backends=tuple(
                OnBackend(
                    spec.name,
                    Outcome.NOT_CONVERTED,
                    expected=_in_scope(self.expected[spec.name]),
                    failure=Failure("convert", refused.reason),
                )
                for spec in self.asked.backends
            ),
        )

    # Asking

    async def _ask(self, served: Path) -> dict[str, _Answer]:
        """What each backend answers, and Keras. All start at once; they run the model one after the other,
        lest one slow another down."""
        answers: dict[str, _Answer] = {}
        turn = anyio.Lock()
        with ExitStack() as stack:
            url = stack.enter_context(serving(served))

            async def ask(key: str, spec: BackendSpec, asked: ConcreteModel, kind: str) -> None:
                try:
                    async with Runner(spec, progress=self.tell) as runner:
                        identity = msgspec.structs.replace(await runner.start(), name=spec.name)
                        if kind not in identity.models:
                            loads = ", ".join(identity.models) or "no saved models"
                            raise BackendUnavailable(f"it loads {loads}, and {kind} is to be checked")
                        async with turn:
                            self.tell(f"{spec.name} runs the model")
                            answers[key] = _Told(identity, await runner.inspect(asked))
                except BackendUnavailable as error:
                    answers[key] = error

            async with anyio.create_task_group() as group:
                file = self._for_keras()
                kind = "keras" if file.suffix == ".keras" else "h5"
                group.start_soon(
                    ask,
                    KERAS,
                    self.asked.keras,
                    _question(str(file.resolve()), self.inputs, layers=False),
                    kind,
                )
                for spec in self.asked.backends:
                    group.start_soon(
                        ask, spec.name, spec, _question(url, _as_stored(self.inputs), layers=True), SERVED
                    )
        return answers

    # Judging

    def _judged(
        self,
        name: str,
        answer: _Answer,
        read: Read,
        rewrites: Sequence[Rewrite],
        predicted: Sequence[Array] | None,
    ) -> OnBackend:
        met = self.expected[name]
        expected = _in_scope(met)
        if isinstance(answer, BackendUnavailable):
            return OnBackend(name, Outcome.UNAVAILABLE, expected=expected, failure=_no_start(answer))
        versions = answer.identity.versions
        failure = _failure(answer.answer, met)
        if failure is not None:
            came_to_run = failure.at not in ("load", "build", "config")
            return OnBackend(
                name, Outcome.FAILS if came_to_run else Outcome.NOT_LOADED, versions, expected, failure
            )
        inspection = answer.answer
        assert isinstance(inspection, Inspection)
        try:
            bench = Bench.of(answer.identity, self.asked.dialects)
        except BadArithmetic as error:
            return OnBackend(name, Outcome.UNAVAILABLE, versions, expected, Failure("start", str(error)))
        self.recorded |= {deviation.id: deviation for deviation in bench.dialect.deviations}
        specified = read.specified(rewrites, bench.dialect)
        checks = list(check_layers(inspection, specified, bench))
        classes = {layer.path: layer.subject.partition(".")[2] for layer in inspection.told.layers}
        departures = tuple(
            _departure(check, classes.get(check.path, ""), self.recorded)
            for check in checks
            if check.verdict in FINDINGS | BROKEN or check.verdict is Verdict.DEVIATES
        )
        unjudged = dict.fromkeys("/".join(c.path) for c in checks if c.verdict is Verdict.UNSPECIFIED)
        ends = tuple(_ends(inspection, specified, _as_stored(self.inputs), predicted, bench))
        margins = [c.margin for c in checks if c.verdict is Verdict.CONFORMS and isinstance(c.margin, float)]
        judged = {check.path for check in checks}
        return OnBackend(
            backend=name,
            outcome=outcome(departures, tuple(unjudged), ends),
            versions=versions,
            expected=expected,
            layers=len(judged),
            conforming=len(judged - {c.path for c in checks if c.verdict is not Verdict.CONFORMS}),
            checks=tuple(map(_check, checks)),
            first=next(iter(departures), None),
            departures=departures,
            unjudged=tuple(unjudged),
            worst_margin=max(margins, default=None),
            ends=ends,
            seconds=inspection.told.seconds,
        )


def _question(location: str, inputs: Sequence[Array], *, layers: bool) -> ConcreteModel:
    return ConcreteModel(location, tuple(map(to_wire, inputs)), layers, weights=False, repeats=REPEATS)


def _as_stored(inputs: Sequence[Array]) -> tuple[Array, ...]:
    """In the dtypes that TensorFlow.js has for them."""
    kinds = {"f": np.float32, "i": np.int32, "u": np.int32}
    return tuple(x.astype(kinds.get(x.dtype.kind, x.dtype)) for x in inputs)


def _in_scope(met: Sequence[Met]) -> tuple[Expected, ...]:
    return tuple(Expected(m.deviation.id, m.effect, tuple("/".join(path) for path in m.layers)) for m in met)


def _record(deviation: Deviation) -> Recorded:
    return Recorded(deviation.id, deviation.kind, deviation.description, deviation.source, deviation.upstream)


def _named(backends: Sequence[OnBackend]) -> Iterator[str]:
    """The ids of the deviations that are named in what backends make of the model."""
    for backend in backends:
        yield from (expected.deviation for expected in backend.expected)
        yield from backend.failure.deviations if backend.failure else ()
        for check in backend.checks:
            yield from check.deviations


def _of_keras(name: str, answer: _Answer) -> OfKeras:
    if isinstance(answer, BackendUnavailable):
        return OfKeras(name, failure=_no_start(answer))
    failure = _failure(answer.answer, ())
    seconds = answer.answer.told.seconds if isinstance(answer.answer, Inspection) else ()
    return OfKeras(name, answer.identity.versions, failure, seconds)


def _predicted(answer: _Answer) -> tuple[Array, ...] | None:
    """The outputs that Keras gives; None where it gives none."""
    if not isinstance(answer, _Told) or not isinstance(answer.answer, Inspection):
        return None
    inspection = answer.answer
    return None if inspection.told.error else tuple(inspection.arrays[n] for n in inspection.told.results)


def _no_start(error: BackendUnavailable) -> Failure:
    return Failure("start", error.problem, remedy=error.remedy)


def _failure(answer: Inspection | Broken, met: Sequence[Met]) -> Failure | None:
    """Why there is no answer, and which recorded deviation says so."""
    if isinstance(answer, Broken):
        return Failure(str(answer.verdict), answer.message)
    error = answer.told.error
    if error is None:
        return None
    known = [m for m in met if m.refuses_with(error.message)]
    return Failure(
        error.at,
        error.message,
        layers=tuple("/".join(path) for m in known for path in m.layers),
        deviations=tuple(m.deviation.id for m in known),
        remedy=" ".join(m.deviation.description for m in known),
    )


def _check(check: LayerCheck) -> Judged:
    return Judged(
        layer="/".join(check.path),
        call=check.call,
        observable=check.observable,
        verdict=check.verdict,
        required_rung=check.required_rung,
        rung=check.rung,
        margin=_margin(check),
        error=check.error,
        ulps=check.ulps,
        place=check.place,
        limit=check.limit,
        deviations=check.deviations,
        message=check.message,
    )


def _departure(check: LayerCheck, class_name: str, recorded: Mapping[str, Deviation]) -> Departure:
    known = [recorded[name].description for name in check.deviations if name in recorded]
    return Departure(
        layer="/".join(check.path),
        class_name=class_name,
        call=check.call,
        observable=check.observable,
        verdict=str(check.verdict),
        error=check.error,
        place=check.place,
        limit=check.limit,
        margin=_margin(check),
        deviations=check.deviations,
        message=check.message,
        remedy=" ".join(known) or UNEXPLAINED,
    )


def _margin(check: LayerCheck) -> float | str | None:
    """As a fraction of the specification's limit; where it deviates as recorded, it has the dialect's."""
    if check.verdict is not Verdict.DEVIATES or check.error is None or check.limit is None:
        return check.margin
    return check.error / check.limit if check.limit else "infinite"


def _ends(
    inspection: Inspection,
    specified: Mapping[LayerPath, Specified],
    inputs: Sequence[Array],
    predicted: Sequence[Array] | None,
    bench: Bench,
) -> Iterator[End]:
    """How far each output of the model is from Keras's, and from the specification's.

    The limit is that of the element that is farthest from Keras's: of what the backend's rounding may do to
    it, once for either side.
    """
    chain = Chain(inspection, specified, inputs)
    told = inspection.told
    for i, (result, end) in enumerate(zip(told.results, chain.ends, strict=True)):
        seen = inspection.arrays[result]
        value = None if end is None else chain.values.get(end)
        of_keras = None if predicted is None or i >= len(predicted) else predicted[i]
        of_specification = _distance(value, seen)
        compared = _distance(of_keras, seen)
        error, place = compared or of_specification or (None, ())
        limit = None
        if value is not None and end is not None and place:
            limit = chain.limits(end, place, bench.arithmetic)[0] * (2 if compared else 1)
        misshapen = (of_keras is not None and compared is None) or (
            value is not None and of_specification is None
        )
        agrees = False if misshapen else None if limit is None or error is None else error <= limit
        yield End(
            output=told.outputs[i].name if i < len(told.outputs) else str(i),
            largest=_largest(seen if of_keras is None else of_keras),
            from_keras=compared[0] if compared else None,
            limit=limit,
            from_specification=of_specification[0] if of_specification else None,
            agrees=agrees,
        )


def _distance(x: Array | None, seen: Array) -> tuple[float, tuple[int, ...]] | None:
    return None if x is None or x.shape != seen.shape else farthest(x, seen)


def _largest(x: Array) -> float:
    finite = np.abs(x[np.isfinite(x)]) if x.dtype.kind == "f" else np.abs(x)
    return float(finite.max(initial=0))


def outcome(departures: Sequence[Departure], unjudged: Sequence[str], ends: Sequence[End]) -> Outcome:
    """What the departures of layers, those that could not be judged, and the ends of a model amount to.

    Recorded deviations alone are the same in the end, where no output shows them.
    """
    agree = [end.agrees for end in ends]
    recorded = bool(departures) and all(d.verdict == Verdict.DEVIATES for d in departures)
    if recorded:
        return Outcome.SAME if all(agree) else Outcome.DEVIATES
    if departures or False in agree:
        return Outcome.DEPARTS
    return Outcome.SAME if all(agree) and not unjudged else Outcome.UNSPECIFIED
