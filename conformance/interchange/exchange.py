"""Models that go from each program to every other: the cases that ask for it, put to all backends of a run.

A case has a model, its weights and inputs. The specification saves it in every format. Each backend is given
it in the first format that it loads, and saves it in all that it has; then everybody loads all of these
files: as they are where a backend loads the format, else converted, as `conformance convert` does it. A
backend tells what it then has: the configuration, every weight, the outputs.

Who is to blame is settled by the specification, which reads every file too (`exchanged`). A backend that
saves is held against the model that it was given (`saved/*`), and one that loads against what stands in the
file (`loaded/*`); so a fault in saving is one finding, and not one for everybody who loads its result. A cell
of the matrix (who saved, format) × (who loaded) is what both have to say.

Files travel in the messages, as base64: an adapter in any language then needs nothing but its standard
streams, may run in another file system than the suite, and is asked for models as it is asked for anything
else, with the same limits and second chances. Models here are small; large ones are for `conformance check`.
A backend is asked about the same bytes once.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import anyio.to_thread

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.models import configuration, loaded_parts, weights_by_layer
from conformance.cases.properties.property import matches
from conformance.checks import Bench
from conformance.interchange.files import FORMATS, File, converted, in_memory, written
from conformance.reference_impl.saving.saved_model import FormatError
from conformance.runners.protocol import ConcreteCase, WireJSON, to_wire
from conformance.runners.question import Answer, Question
from conformance.verdicts import SPECIFICATION


class Row(NamedTuple):
    """A file: who has saved it, and in which format."""

    saver: str
    format: str


@dataclass(frozen=True)
class Nothing:
    """Why there is no file.

    Attributes:
        unsupported: whether a format lacks the words, or a backend the format; else somebody has failed.
    """

    reason: str
    unsupported: bool = True


@dataclass(frozen=True)
class Loading:
    """A file that a backend was given.

    Attributes:
        file: as it was given; another one than was saved where it had to be converted.
        answer: by observable, `loaded/config` and the like, and `file/FORMAT` where it was asked to save.
    """

    file: File
    answer: Answer


@dataclass(frozen=True)
class Exchanged:
    """What became of a model.

    Attributes:
        files: what was saved.
        loadings: by backend, what it made of each file, or why it was given none.
        own: by backend, the loading of the model that it was to save.
    """

    files: Mapping[Row, File | Nothing]
    loadings: Mapping[str, Mapping[Row, Loading | Nothing]]
    own: Mapping[str, Loading | Nothing]


def formats_of(bench: Bench, case: Case, observable: str) -> tuple[str, ...]:
    """The formats of which a backend can be asked this, `file/{}` or `loaded/{}/config`."""
    patterns = tuple(bench.identity.capabilities.get(case.subject, ()))
    return tuple(name for name in FORMATS if matches(patterns, observable.format(name)))


class Asks(Protocol):
    """A runner, as far as it is needed here."""

    def ask(self, case: ConcreteCase) -> Question:
        """Have the case asked."""


class Exchange:
    """One model before all backends that are asked about it."""

    def __init__(self, case: Case, data: Data, takers: Sequence[tuple[Bench, Asks]], seed: int) -> None:
        self.case, self.data, self.seed = case, data, seed
        self.loaders = {bench.name: _Loader(bench, runner, self) for bench, runner in takers}
        self.configuration = configuration(case)
        self.inputs = tuple(map(to_wire, data.inputs))

    async def told(self) -> Exchanged:
        """All files, and what everybody makes of them.

        Raises:
            anyio.ClosedResourceError: a runner was closed meanwhile.
        """
        files = await anyio.to_thread.run_sync(self._of_specification)
        for loader in self.loaders.values():
            await loader.take(files)
        own = {name: await loader.loading_of_own() for name, loader in self.loaders.items()}
        saved = {row: file for name, loading in own.items() for row, file in self._files(name, loading)}
        for loader in self.loaders.values():
            await loader.take(saved)
        return Exchanged(
            files | saved, {name: await loader.loadings() for name, loader in self.loaders.items()}, own
        )

    def _of_specification(self) -> dict[Row, File | Nothing]:
        model = in_memory(self.configuration, weights_by_layer(self.case, self.data.weights))

        def saved(name: str) -> File | Nothing:
            try:
                return written(model, name)
            except FormatError as error:
                return Nothing(told(error))

        return {Row(SPECIFICATION, name): saved(name) for name in FORMATS}

    def _files(self, saver: str, loading: Loading | Nothing) -> Iterator[tuple[Row, File | Nothing]]:
        """What a backend has saved."""
        loader = self.loaders[saver]
        for name in loader.saves:
            if isinstance(loading, Nothing):
                yield Row(saver, name), loading
                continue
            match loading.answer[f"file/{name}"]:
                case WireJSON(dict(content)):
                    yield Row(saver, name), decoded(name, content)
                case failure:
                    message = getattr(failure, "message", "it has answered something else")
                    yield (
                        Row(saver, name),
                        Nothing(f"{saver} has saved nothing: {message}", unsupported=False),
                    )


def decoded(name: str, content: Mapping[str, object]) -> File | Nothing:
    """The file out of a message."""
    try:
        return File(
            name, {file: base64.b64decode(str(data), validate=True) for file, data in content.items()}
        )
    except ValueError as error:
        return Nothing(f"what was saved is no base64: {error}", unsupported=False)


def told(error: FormatError) -> str:
    """The error without the name of a temporary file."""
    return f"{error.place}: {error.reason}" if error.place else error.reason


class _Loader:
    """A backend that is given files."""

    def __init__(self, bench: Bench, runner: Asks, exchange: Exchange) -> None:
        self.bench, self.runner, self.exchange = bench, runner, exchange
        self.loads = formats_of(bench, exchange.case, "loaded/{}/config")
        self.saves = formats_of(bench, exchange.case, "file/{}")
        self.given: dict[Row, File | Nothing] = {}
        self.asked: dict[str, Question] = {}
        self.own: File | Nothing | None = None

    async def take(self, files: Mapping[Row, File | Nothing]) -> None:
        """Ask about each file, but for those that it has been asked about."""
        for row, file in files.items():
            self.given[row] = await anyio.to_thread.run_sync(self._fitting, file)
        if self.own is None:
            self.own = self._first()
        for given in self.given.values():
            if isinstance(given, File) and given.digest not in self.asked:
                self.asked[given.digest] = self._ask(given)

    def _first(self) -> File | Nothing:
        """What it is to save: the specification's file in its own format, or else one converted to that."""
        wanted = [self.given[Row(SPECIFICATION, name)] for name in (*self.loads, *FORMATS)]
        return next((given for given in wanted if isinstance(given, File)), next(iter(wanted)))

    def _fitting(self, file: File | Nothing) -> File | Nothing:
        """The file as it loads it."""
        if isinstance(file, Nothing) or file.format in self.loads:
            return file
        if not self.loads:
            return Nothing(f"{self.bench.name} loads no models")
        try:
            return converted(file, self.exchange.configuration, self.loads[0])
        except FormatError as error:
            return Nothing(f"cannot be converted: {told(error)}")

    def _ask(self, file: File) -> Question:
        exchange = self.exchange
        observables = [_asked(name, file.format) for name in loaded_parts(exchange.case)]
        if isinstance(self.own, File) and file.digest == self.own.digest:
            observables += [f"file/{name}" for name in self.saves]
        concrete = ConcreteCase(
            subject=exchange.case.subject,
            config=exchange.configuration,
            inputs=exchange.inputs,
            weights={},
            masks=(),
            initial_state=(),
            cotangents=(),
            observables=tuple(observables),
            seed=exchange.seed,
            files={name: base64.b64encode(content).decode() for name, content in file.content.items()},
        )
        return self.runner.ask(concrete)

    async def loading_of_own(self) -> Loading | Nothing:
        """The loading of the model that it was to save."""
        assert self.own is not None
        return await self._loading(self.own)

    async def loadings(self) -> dict[Row, Loading | Nothing]:
        return {row: await self._loading(given) for row, given in self.given.items()}

    async def _loading(self, given: File | Nothing) -> Loading | Nothing:
        if isinstance(given, Nothing):
            return given
        answer = await self.asked[given.digest].result()
        names = {_asked(name, given.format): name for name in loaded_parts(self.exchange.case)}
        return Loading(given, {names.get(name, name): x for name, x in answer.items()})


def _asked(observable: str, format_: str) -> str:
    """The observable of a file of that format.

    >>> _asked("loaded/output/0", "keras")
    'loaded/keras/output/0'
    """
    first, _, rest = observable.partition("/")
    return f"{first}/{format_}/{rest}"
