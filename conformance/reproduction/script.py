"""Writes the stand-alone script of a finding, in the language of its backend."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from itertools import islice
from typing import Any

import jinja2
import msgspec
import numpy as np

from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import Data, make
from conformance.cases.expected import Expected, Image, Law, Own, Refusal, Structure, Value
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import basis, matches, with_basis
from conformance.cases.relations import RELATIONS, asked_beside, relation_of
from conformance.cases.relations.composition import Composition
from conformance.engine import Made
from conformance.judging import told_failure
from conformance.reference_impl import activations, layers
from conformance.reference_impl.arithmetic import Arithmetic, declared
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.stacked_rnn_cells import StackedRNNCells, stack_in
from conformance.reference_impl.tape import Provenance, Tensor
from conformance.reporting.results import BackendRecord, Finding
from conformance.reproduction.languages import (
    ABSENT,
    JAVASCRIPT,
    PYTHON,
    Language,
    python_arguments,
    tensorflow_js_arguments,
    tensorflow_js_factory,
    tensorflow_js_function,
    tensorflow_js_key,
    tensorflow_js_value,
    tensorflow_js_weight,
)
from conformance.reproduction.question import Question
from conformance.runners.protocol import PROTOCOL_VERSION, Observe, Start, Stop, encode
from conformance.runners.question import Limits
from conformance.verdicts import BROKEN, Verdict

COMMENT_WIDTH = 100

ONLY_ASKED = frozenset({"random"})
"""Observables that no script in a runtime's own language asks: what many random numbers say is for the suite
to tell."""

KINDS = frozenset({"layers", "activations"})
"""The kinds of subject that scripts in a runtime's own language are about."""

IN_OUR_WORDS = ("seeds", "method/*")
"""Observables (`fnmatch`) whose structures a script makes itself, key by key."""


@dataclass(frozen=True)
class Script:
    """A script's text, and how its file's name ends."""

    text: str
    suffix: str


@dataclass(frozen=True, eq=False)
class Runtime:
    """A runtime whose users' language scripts are written in.

    Attributes:
        template: the file beside this one.
        suffix: of the script's name.
        comment: what a line of comment begins with.
        arguments: (configuration, class) → a constructor's arguments.
        name: the runtime's spelling of what a structure holds: (value, Keras name of its argument).
        key: (argument of Keras, class) → the runtime's name for it.
        versions: those of the backend that a script tells.
    """

    template: str
    suffix: str
    comment: str
    language: Language
    arguments: Callable[[Mapping[str, Any], str], str]
    name: Callable[[Any, str], Any]
    key: Callable[[str, str], str]
    versions: tuple[str, ...]


def _as_it_is(value: Any, of: str) -> Any:
    return value


KERAS = Runtime(
    "keras.py.j2",
    ".py",
    "#",
    PYTHON,
    lambda config, layer: python_arguments(config),
    _as_it_is,
    _as_it_is,
    ("keras", "tf_keras", "tensorflow", "numpy", "python"),
)
TENSORFLOW_JS = Runtime(
    "tfjs.mjs.j2",
    ".mjs",
    "//",
    JAVASCRIPT,
    tensorflow_js_arguments,
    tensorflow_js_value,
    tensorflow_js_key,
    ("tfjs", "tfjs-backend-wasm", "node"),
)
RUNTIMES = {r"keras2?-tensorflow.*": KERAS, r"tfjs-(cpu|wasm)": TENSORFLOW_JS}
"""The runtimes by the names of their backends. Of any other backend the language is not known: its script
is what the suite asks it, to be piped to its program."""


@dataclass(frozen=True)
class Arrays:
    """The arrays that a question needs, by the names that they have in a script."""

    inputs: dict[str, Array]
    masks: dict[str, Array]
    states: dict[str, Array]
    cotangents: dict[str, Array]
    weights: Mapping[str, Array]

    @classmethod
    def needed(cls, question: Question, data: Data) -> Arrays:
        """Those of the data that have to be written out."""

        def named(name: str, arrays: Sequence[Array], needed: bool = True) -> dict[str, Array]:
            if not (needed and (question.calls or question.kind == "memory")):
                return {}
            single = len(arrays) == 1
            return {name if single else f"{name}{i}": x for i, x in enumerate(arrays)}

        return cls(
            named("x", data.inputs),
            named("mask", data.masks),
            named("state", data.initial_state),
            named("cotangent", data.cotangents, question.kind in ("gradient", "memory")),
            data.weights if question.calls else {},
        )

    def tensors(self) -> dict[str, Array]:
        """All but the weights."""
        return self.inputs | self.masks | self.states | self.cotangents

    def given(self) -> list[str]:
        """The names of what a call is given."""
        return [*self.inputs, *self.masks, *self.states]

    def longer(self) -> list[list[tuple[str, list[int]]]]:
        """For each call between two: what it is given, and along which axes it is longer (the batch; all but
        the last, or but the second), as the adapters have it."""
        calls = []
        for axes in (lambda n: [0], lambda n: [*range(n - 1)], lambda n: [i for i in range(n) if i != 1]):
            inputs = [(name, axes(x.ndim)) for name, x in self.inputs.items()]
            masks = [
                (name, [i for i in axes(x.ndim) if i < mask.ndim])
                for (name, mask), x in zip(self.masks.items(), self.inputs.values(), strict=False)
            ]
            calls.append([*inputs, *masks, *((name, [0]) for name in self.states)])
        return calls


@dataclass(frozen=True)
class Right:
    """What is right, ready to be written: an array with its limits, a structure, or nothing.

    Attributes:
        kind: `array`, `paths` (parts of a structure, by path), `whole` (a structure), `name` (one of
            several), `own` (what the backend answers by itself), `composed` (what its answers to other cases
            make of it) or `refusal`; `side` of such another case.
        failure: how the backend fails where it should refuse, in its own words.
        moved: the sign of a zero counts.
        sides: what else is asked, to be put together and multiplied by the factor (`Composition`), since the
            statement holds.
        dot: the number of products, their magnitude, and how often one repeats, where the statistics of the
            errors decide.
    """

    kind: str
    value: Any = None
    limit: Array | None = None
    failure: str = ""
    moved: bool = False
    dot: tuple[Array, Array, float] | None = None
    unit_roundoff: float = 0.0
    biased: bool = False
    sides: tuple[str, ...] = ()
    factor: float = 1.0
    statement: str = ""


def script(finding: Finding, backend: BackendRecord, seed: int) -> Script:
    """The script that exits with 1 while the finding is there, and with 0 once it is gone."""
    case = finding.witness
    runtime = next((r for name, r in RUNTIMES.items() if re.fullmatch(name, finding.backend)), None)
    # What statements of the guides say, and updates of optimizers, programs of the adapters show.
    kind = case.subject.partition(".")[0]
    if runtime is None or kind not in KINDS or finding.observable in ONLY_ASKED:
        return Script(_requests(finding, seed), ".jsonl")
    arithmetic = declared(backend.arithmetic)

    def text(case: Case, observable: str, right: Right, whole: bool) -> str:
        """What asks for the observable of the case; the whole script, or only that."""
        data, question = make(case), Question.about(case, observable)
        shapes = [x.shape for x in data.inputs]
        arrays, stack = Arrays.needed(question, data), _stack(case) if question.is_layer else None
        scopes = dict.fromkeys(part for name in case.weights for part in name.split("/")[:-1])
        numbered = _numbered(stack, scopes)
        return _template(runtime).render(
            whole=whole,
            finding=finding,
            backend=backend,
            seed=seed,
            config=case.config,
            arrays=arrays,
            states=_states(stack, list(arrays.states)) if runtime is KERAS else ", ".join(arrays.states),
            shapes=shapes,
            unknown_batch=[[None, *shape[1:]] for shape in shapes],
            versions={name: backend.versions[name] for name in runtime.versions if name in backend.versions},
            q=question,
            weight_names=list(case.weights),
            scopes=list(numbered.values() if runtime is TENSORFLOW_JS else scopes),
            own_name=partial(tensorflow_js_weight, layer=question.holder, scopes=numbered),
            right=right,
            broken=finding.verdict in BROKEN - {Verdict.PROTOCOL_ERROR},
            time_limit_s=Limits().start_s + Limits().case_s,
        )

    relation = relation_of(finding.observable)
    if relation is None:
        expected = Answers(case, make(case), arithmetic)[finding.observable]
        right = _right(finding, expected, arithmetic, runtime)
        return Script(text(case, finding.observable, right, True), runtime.suffix)
    composition = Composition.of(case, finding.observable, arithmetic)
    sides = tuple(text(side.case, side.output, Right("side"), False) for side in composition.sides)
    right = Right(
        "composed",
        composition.places,
        composition.limit,
        sides=sides,
        factor=composition.factor,
        statement=RELATIONS[relation].summary,
    )
    return Script(text(case, basis(finding.observable), right, True), runtime.suffix)


def _stack(case: Case) -> StackedRNNCells | None:
    """The stack of cells that a case is about, or that its layer repeats."""
    try:
        layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    except (TypeError, ValueError):  # what the specification refuses is not taken apart
        return None
    return stack_in(layer)


def _states(stack: StackedRNNCells | None, names: Sequence[str]) -> str:
    """The states as Keras takes them: those of each cell of a stack are a list of their own."""
    if stack is None:
        return ", ".join(names)
    remaining = iter(names)
    return ", ".join(f"[{', '.join(islice(remaining, cell.states))}]" for cell in stack.stack)


def _numbered(stack: StackedRNNCells | None, scopes: Iterable[str]) -> dict[str, str]:
    """The scopes that weights are in → those that TensorFlow.js has for them, of a stack by number."""
    if stack is None:
        return {scope: scope for scope in scopes}
    return {scope: f"RNNCell_{i}" for i, scope in enumerate(stack.scopes) if scope}


def _requests(finding: Finding, seed: int) -> str:
    """The lines that the suite writes to the backend about this finding alone."""
    made = Made(seed)
    case = msgspec.structs.replace(finding.witness, observables=with_basis(finding.observable))
    asked = [(each, each.observables) for each in asked_beside(case).values()]
    asked.insert(0, (case, tuple(name for name in case.observables if relation_of(name) is None)))
    questions = [
        Observe(number, made.concrete(each, names)) for number, (each, names) in enumerate(asked, start=1)
    ]
    messages = (Start(PROTOCOL_VERSION, finding.backend), *questions, Stop())
    return "".join(f"{encode(message).decode()}\n" for message in messages)


def _right(finding: Finding, expected: Expected, arithmetic: Arithmetic, runtime: Runtime) -> Right:
    match expected:
        case Refusal():
            return Right("refusal", failure=told_failure(finding.summary))
        case Value(tensor):
            value = xp.to_host(tensor.value)
            if value.dtype == bool:  # JavaScript's tensors hold truth values as numbers
                value = value.astype(np.int64)
            limit = np.zeros(value.shape) if tensor.error is None else xp.to_host(tensor.error)
            # What is within every limit, and was found all the same, was found by its statistics.
            statistical = isinstance(finding.margin, float) and finding.margin <= 1
            return Right(
                "array",
                value,
                limit,
                moved=value.dtype.kind == "f" and tensor.provenance is Provenance.MOVED and not limit.any(),
                dot=_statistics(tensor) if statistical else None,
                unit_roundoff=arithmetic.unit_roundoff,
                biased=not arithmetic.nearest,
            )
        case Own():
            return Right("own", moved=True)
        case Structure(value) if finding.observable == "identifier":
            entry = activations.get(value)
            return Right("name", [runtime.name(name, "") for name in (entry.name, *entry.aliases)])
        case Structure(value) if finding.differs and not matches(IN_OUR_WORDS, finding.observable):
            wanted, _ = PROPERTIES[finding.property].canonical(finding.witness, value, value)
            paths = [path.split("/") for path in finding.differs]
            layer = finding.subject.partition(".")[2]
            return Right("paths", dict(_leaf(wanted, path, layer, runtime) for path in paths))
        case Structure(value):
            return Right("whole", value)
        case Law() | Image():
            raise ValueError("a script cannot judge what is random")


def _statistics(tensor: Tensor) -> tuple[Array, Array, float] | None:
    if tensor.dot is None:
        return None
    terms, magnitude = map(xp.to_host, tensor.dot.sizes())
    return terms, magnitude, tensor.dot.repeats()


def _leaf(structure: Any, path: list[str], layer: str, runtime: Runtime) -> tuple[str, Any]:
    """A path as the runtime spells it, without the `arguments` of a signature, and what is expected there."""
    value = structure
    for key in path:
        value = value.get(key, ABSENT) if isinstance(value, dict) else ABSENT
    steps = path[1:] if path[0] == "arguments" else path
    spelt = ".".join(runtime.key(step, layer) for step in steps)
    return spelt, value if value == ABSENT else runtime.name(value, path[-1])


@cache
def _template(runtime: Runtime) -> jinja2.Template:
    # No HTML: what a script quotes is escaped as its language does it.
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "array": runtime.language.array,
        "literal": runtime.language.value,
        "limits": runtime.language.limits,
        "arguments": runtime.arguments,
        "factory": tensorflow_js_factory,
        "name": runtime.name,
        "key": runtime.key,
        "property": runtime.language.key,
        "function": tensorflow_js_function,
        "together": _together,
        "allowance": _allowance,
        "comment": lambda text: _comment(text, runtime.comment),
    }
    return environment.from_string(files(__package__).joinpath(runtime.template).read_text("utf-8"))


def _comment(text: str, mark: str) -> str:
    """The text as lines of comment; nothing in it can end them, as a line separator would."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return textwrap.fill(printable, COMMENT_WIDTH, initial_indent=f"{mark} ", subsequent_indent=f"{mark} ")


def _together(names: Sequence[str]) -> str:
    """One of them by itself, several as a list."""
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _allowance(limit: Array) -> str:
    """What the limit is, in words."""
    if not limit.any():
        return "Nothing is rounded on the way: equality is due."
    return "How far rounding alone may take a correct result from it, on these very numbers."
