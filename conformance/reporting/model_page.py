"""Renders a check of a model as one self-contained, offline HTML page, with the model drawn as a graph.

The page is built ahead into `page/check.html` (`page/application/`). What is embedded in it is the answer as
`--json` has it, and the graph: layers with their verdicts, in the groups that models inside and rewriting
make. The types are those of `application/src/check/content.ts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from conformance import __version__
from conformance.interchange.structure import Member, Structure
from conformance.interchange.verdict import Checked, OnBackend, Outcome, finite
from conformance.reporting.legend import GLYPHS, MEANINGS, tone
from conformance.reporting.model_words import CONNECTED_OTHERWISE, OUTCOMES, Headline, headline
from conformance.reporting.page.content import Sign
from conformance.reporting.page.embedding import embed
from conformance.verdicts import Verdict

Kind = Literal["input", "layer", "model", "rewritten"]


class Node(msgspec.Struct, frozen=True):
    """A layer, or a group of them: a model inside, or the layers in the place of one that was rewritten.

    Attributes:
        id: the path of a layer or a model, joined by `/`; of a rewritten layer, that and a remark.
        group: the id of the group that it is in; empty for those of the model itself.
        calls: how often it is called.
        shapes: of each of its calls, the shapes of what it gives.
        gives: whether an output of the whole model comes from it.
        verdicts: by backend, the worst; none of what computes nothing.
    """

    id: str
    group: str
    kind: Kind
    name: str
    class_name: str
    arguments: dict[str, str]
    calls: int
    shapes: tuple[tuple[tuple[int | None, ...], ...], ...]
    gives: bool
    verdicts: dict[str, Verdict]


class Edge(msgspec.Struct, frozen=True):
    """What a call of one node gives, and a call of another one in the same group is given."""

    source: str
    source_call: int
    target: str
    target_call: int


class Said(msgspec.Struct, frozen=True):
    """An outcome in words, and the verdict whose sign stands for it."""

    words: str
    verdict: Verdict


class Content(msgspec.Struct, frozen=True):
    """What the page shows.

    Attributes:
        checked: the answer, numbers that JSON does not have as words; without the model's structure, which
            nodes and edges tell.
        nodes: in the order of their first calls, each group before what is in it.
        command: that checks the model again.
    """

    headline: Headline
    checked: Any
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    signs: tuple[Sign, ...]
    outcomes: dict[Outcome, Said]
    connected_otherwise: str
    command: str
    version: str


def render(checked: Checked, command: str) -> str:
    """The page.

    Args:
        command: the command line that checks the model again.
    """
    return embed("check.html", {"check": content(checked, command)})


def content(checked: Checked, command: str) -> Content:
    """What is embedded in the page."""
    nodes, edges = Graph(checked).drawn()
    answer = msgspec.to_builtins(checked)
    del answer["structure"]
    return Content(
        headline=headline(checked),
        checked=finite(answer),
        nodes=nodes,
        edges=edges,
        signs=tuple(Sign(v, GLYPHS[v], tone(v), MEANINGS[v]) for v in Verdict),
        outcomes={
            outcome: Said(words.rstrip(","), verdict) for outcome, (words, verdict) in OUTCOMES.items()
        },
        connected_otherwise=CONNECTED_OTHERWISE,
        command=command,
        version=__version__,
    )


class Graph:
    """The graph of the model of an answer.

    A layer that was rewritten as several is a group of them, so that closed it is the layer that the model
    had; nothing but the group's last layer is used outside of it.
    """

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.groups: dict[str, str] = {}
        """By the path of a layer, the path of the one that it was rewritten from with others."""
        self.classes: dict[str, str] = {}
        """By the path of a layer that was rewritten, its class before."""
        for rewrite in checked.rewrites:
            self.classes.setdefault(rewrite.layer, rewrite.what.partition(".")[2])
            if len(rewrite.made) > 1:
                self.groups |= dict.fromkeys(rewrite.made, rewrite.layer)
        self.verdicts = {backend.backend: verdicts(checked, backend) for backend in checked.backends}
        self.nodes: dict[str, Node] = {}
        self.edges: dict[Edge, None] = {}

    def drawn(self) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        structure = self.checked.structure
        self._draw(structure, (), "", given=frozenset(source.layer for source in structure.outputs))
        worst = self._worst()
        nodes = tuple(msgspec.structs.replace(n, verdicts=worst.get(n.id, {})) for n in self.nodes.values())
        return nodes, tuple(self.edges)

    def _draw(
        self, structure: Structure, around: tuple[str, ...], group: str, given: frozenset[str] = frozenset()
    ) -> None:
        for member in structure.members:
            path = "/".join((*around, member.name))
            own = self._group_of(path, member, group, member.name in given)
            kind: Kind = "input" if member.class_name == "InputLayer" else "layer"
            if member.inside is not None:
                kind = "model"
            self.nodes[path] = _node(path, own, kind, member, gives=member.name in given)
            for number, call in enumerate(member.calls):
                for source in call.inputs:
                    self._connect("/".join((*around, source.layer)), source.call, path, number)
            if member.inside is not None:
                self._draw(member.inside, (*around, member.name), path)

    def _group_of(self, path: str, member: Member, group: str, gives: bool) -> str:
        """The id of the group of a layer, which is there then: that of its rewriting, or else the one that it
        is in."""
        if path not in self.groups:
            return group
        origin = self.groups[path]
        id_ = rewritten(origin)
        whole = _node(id_, group, "rewritten", member, gives=gives)
        name, class_name = origin.rpartition("/")[2], self.classes[origin]
        # The last of its layers, which gives its output, comes last.
        self.nodes[id_] = msgspec.structs.replace(whole, name=name, class_name=class_name, arguments={})
        return id_

    def _connect(self, source: str, source_call: int, target: str, target_call: int) -> None:
        from_, to = self.groups.get(source), self.groups.get(target)
        if from_ != to:
            source = source if from_ is None else rewritten(from_)
            target = target if to is None else rewritten(to)
        self.edges[Edge(source, source_call, target, target_call)] = None

    def _worst(self) -> dict[str, dict[str, Verdict]]:
        """By node and backend, the verdict, that of a group the worst in it."""
        found: dict[str, dict[str, Verdict]] = {}
        # Groups come before what is in them.
        for node in reversed(self.nodes.values()):
            if node.kind == "layer":
                found[node.id] = {
                    name: of.get(node.id, Verdict.NOT_RUN) for name, of in self.verdicts.items()
                }
            if node.group and node.id in found:
                group = found.setdefault(node.group, {})
                for name, verdict in found[node.id].items():
                    group[name] = worst_of((verdict, group[name])) if name in group else verdict
        return found


def rewritten(path: str) -> str:
    """The id of the group of the layers that a layer was rewritten as."""
    return f"{path} (rewritten)"


def _node(id_: str, group: str, kind: Kind, member: Member, *, gives: bool) -> Node:
    shapes = tuple(call.shapes for call in member.calls)
    return Node(
        id_,
        group,
        kind,
        member.name,
        member.class_name,
        member.arguments,
        len(member.calls),
        shapes,
        gives,
        {},
    )


def verdicts(checked: Checked, backend: OnBackend) -> Mapping[str, Verdict]:
    """By the path of a layer, the worst verdict on a backend; a layer that is refused, or cannot be
    converted, raises."""
    found: dict[str, Verdict] = {}
    for check in backend.checks:
        found[check.layer] = worst_of((check.verdict, found.get(check.layer, check.verdict)))
    if backend.failure is not None:
        found |= dict.fromkeys(backend.failure.layers, Verdict.RAISES)
    refused = {objection.layer for objection in checked.objections}
    found |= {
        path: Verdict.RAISES for path in _paths(checked.structure) if path.rpartition("/")[2] in refused
    }
    return found


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe; what was not run counts only where nothing was."""
    return max(verdicts, key=lambda verdict: -1 if verdict is Verdict.NOT_RUN else verdict.severity)


def _paths(structure: Structure, around: tuple[str, ...] = ()) -> Iterator[str]:
    for member in structure.members:
        yield "/".join((*around, member.name))
        if member.inside is not None:
            yield from _paths(member.inside, (*around, member.name))
