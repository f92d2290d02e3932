"""A diagram as a token game, shrunk by rules that keep its troubles, before play.py plays it through.

Nodes take tokens from edges and put tokens on edges; `modes` are the sets of edges a node may fill (one set:
always all of them; several: one is chosen). Structured parts shrink to nothing, so only what is not a proper
block is left to be played.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from app.engine.check.diagram import Diagram
from app.engine.check.events import is_fatal
from app.engine.check.nodes import TASKS, Node

MOST_CONDITIONS = 5  # of an inclusive split; with more, not every combination is played
OUT = ""  # where tokens leave the game
ALL, ANY, SOME = "all", "any", "some"


class Mode(NamedTuple):
    """One set of edges a node may fill; `flow` is the flow whose choice it stands for, "" for none."""

    fills: frozenset[int]
    flow: str


@dataclass
class Edge:
    """From node to node.

    `work`: a task lies on it, so two tokens on it mean something is done twice. `side`: it leaves a
    non-interrupting event, whose branch may well be walked several times. `kills`: its end ends everything.
    """

    source: str
    target: str
    work: bool = False
    side: bool = False
    kills: bool = False


@dataclass
class Net:
    """The game: edges by number, and per node what it takes and may give.

    `joins` says how a node takes: ALL its edges at once, ANY one of them, or SOME: what has come, once
    nothing more can.
    """

    edges: dict[int, Edge] = field(default_factory=dict)
    ins: dict[str, list[int]] = field(default_factory=dict)
    modes: dict[str, list[Mode]] = field(default_factory=dict)
    joins: dict[str, str] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    begin: int = 0
    _last: int = -1

    def add(self, edge: Edge) -> int:
        """The new edge's number; numbers are never used again."""
        self._last += 1
        self.edges[self._last] = edge
        if edge.target != OUT:
            self.ins.setdefault(edge.target, []).append(self._last)
        return self._last

    def drop(self, number: int) -> None:
        """Takes an edge out; the modes that filled it are the caller's affair."""
        edge = self.edges.pop(number)
        if edge.target != OUT:
            self.ins[edge.target].remove(number)

    def forget(self, name: str) -> None:
        """Takes a node out whose edges have gone elsewhere."""
        del self.modes[name], self.ins[name], self.joins[name]

    def waits(self, name: str) -> bool:
        """Whether a token may have to wait here for others."""
        return self.joins[name] != ANY and len(self.ins[name]) > 1


def net_of(diagram: Diagram, start: Node) -> Net:
    """The game begun at one start of a diagram whose graph is whole and whose elements are all open."""
    net = Net()
    for node in diagram.nodes.values():
        if node.kind in ("boundaryEvent", "endEvent"):
            continue
        net.ins.setdefault(node.id, [])
        net.modes[node.id] = _modes(net, diagram, node)
        net.joins[node.id] = {"parallelGateway": ALL, "inclusiveGateway": SOME}.get(node.kind, ANY)
        if node.kind in TASKS:
            net.tasks.add(node.id)
    net.begin = net.add(Edge(OUT, start.id))
    _mark_side_branches(net)
    return net


def _mark_side_branches(net: Net) -> None:
    """Edges that only a non-interrupting event leads to are side edges, to the end of its branch."""
    leaving: dict[str, list[Edge]] = {}
    for edge in net.edges.values():
        leaving.setdefault(edge.source, []).append(edge)
    main, waiting = {OUT}, [OUT]
    while waiting:
        for edge in leaving.get(waiting.pop(), ()):
            if not edge.side and edge.target not in main:
                main.add(edge.target)
                waiting.append(edge.target)
    for edge in net.edges.values():
        edge.side = edge.side or edge.source not in main


def _modes(net: Net, diagram: Diagram, node: Node) -> list[Mode]:
    own = _edges(net, diagram, node.id, node.id)
    if node.kind in ("exclusiveGateway", "eventBasedGateway"):
        return [Mode(frozenset({number}), flow) for number, flow in own]
    if node.kind == "inclusiveGateway" and len(own) > 1:
        return _subsets(own, node.default)
    modes = [_together(own)]
    beside: list[Mode] = []
    for event in diagram.on_edge_of.get(node.id, ()):
        exits = _together(_edges(net, diagram, event.id, node.id, side=not event.interrupting))
        (modes if event.interrupting else beside).append(exits)
    return modes + [Mode(mode.fills | exits.fills, exits.flow) for exits in beside for mode in modes]


def _subsets(edges: list[tuple[int, str]], default: str | None) -> list[Mode]:
    """Any of the conditions may hold together; when none does, the default is taken."""
    conditions = [number for number, flow in edges if flow != default]
    sizes = range(1, len(conditions) + 1) if len(conditions) <= MOST_CONDITIONS else (1, len(conditions))
    chosen = [frozenset(some) for size in sizes for some in itertools.combinations(conditions, size)]
    chosen += [frozenset({number}) for number, flow in edges if flow == default]
    return [Mode(each, "") for each in chosen]


def _together(edges: list[tuple[int, str]]) -> Mode:
    return Mode(frozenset(number for number, _ in edges), edges[0][1] if len(edges) == 1 else "")


def _edges(
    net: Net, diagram: Diagram, leaving: str, source: str, side: bool = False
) -> list[tuple[int, str]]:
    found = []
    for flow in diagram.leaving.get(leaving, ()):
        end = diagram.nodes[flow.target]
        target = OUT if end.kind == "endEvent" else flow.target
        work = diagram.nodes[source].kind in TASKS
        found.append((net.add(Edge(source, target, work, side, is_fatal(diagram, end))), flow.id))
    return found


def shrink(net: Net) -> None:
    """Applies the rules until none fits. Each keeps every way to get stuck and every way to do work twice."""
    changed = True
    while changed:
        changed = _drop_harmless_ends(net)
        for name in list(net.modes):
            if name in net.modes:
                changed |= (
                    _drop_self_loop(net, name)
                    or _merge_parallel(net, name)
                    or _merge_back(net, name)
                    or _merge_join(net, name)
                )


def _distinct(modes: Iterable[Mode]) -> list[Mode]:
    """The first of those that fill the same edges."""
    found: dict[frozenset[int], Mode] = {}
    for mode in modes:
        found.setdefault(mode.fills, mode)
    return list(found.values())


def _drop_harmless_ends(net: Net) -> bool:
    """A token that goes straight to an end is gone; so is a side branch that ends by itself."""
    gone = [
        number
        for number, edge in net.edges.items()
        if edge.target == OUT and not edge.kills and (edge.side or not edge.work)
    ]
    for name, modes in net.modes.items():
        net.modes[name] = _distinct(Mode(mode.fills.difference(gone), mode.flow) for mode in modes)
    for number in gone:
        net.drop(number)
    return bool(gone)


def _drop_self_loop(net: Net, name: str) -> bool:
    """A choice that leads straight back to itself changes nothing."""
    if len(net.modes[name]) < 2 or net.waits(name):
        return False
    for mode in net.modes[name]:
        if len(mode.fills) == 1:
            (number,) = mode.fills
            shared = sum(number in other.fills for other in net.modes[name]) > 1
            if net.edges[number].target == name and not shared:
                net.modes[name].remove(mode)
                net.drop(number)
                return True
    return False


def _merge_parallel(net: Net, name: str) -> bool:
    """Two edges from here to one node that are always filled together, or chosen alike, are one."""
    modes = net.modes[name]
    targets: dict[str, list[int]] = {}
    for number in sorted({number for mode in modes for number in mode.fills}):
        targets.setdefault(net.edges[number].target, []).append(number)
    for target, numbers in targets.items():
        if target == OUT:
            continue
        for one, two in itertools.combinations(numbers, 2):
            if net.joins[target] == SOME:
                fits = True
            elif net.joins[target] == ALL:
                fits = all((one in mode.fills) == (two in mode.fills) for mode in modes)
            else:
                fits = all(len(mode.fills) == 1 for mode in modes if mode.fills & {one, two})
            if fits:
                net.edges[one].work |= net.edges[two].work
                net.modes[name] = _distinct(
                    Mode((mode.fills - {two}) | ({one} if two in mode.fills else set()), mode.flow)
                    for mode in modes
                )
                net.drop(two)
                return True
    return False


def _merge_back(net: Net, name: str) -> bool:
    """A node with one way in happens where its predecessor gives: its modes take the edge's place."""
    if len(net.ins[name]) != 1 or net.ins[name][0] == net.begin:
        return False
    (number,) = net.ins[name]
    edge = net.edges[number]
    own, before = net.modes[name], net.modes[edge.source]
    # Several choices may only replace an edge that is given alone, or they would be made too early.
    together = any(number in mode.fills and len(mode.fills) > 1 for mode in before)
    if edge.source == name or (len(own) > 1 and together):
        return False
    work = edge.work or name in net.tasks
    for each in {each for mode in own for each in mode.fills}:
        after = net.edges[each]
        after.source, after.work, after.side = edge.source, after.work or work, after.side or edge.side
    if work:  # what ends right here was done, and must show when it is done twice
        own = [
            mode
            if mode.fills
            else Mode(frozenset({net.add(Edge(edge.source, OUT, True, edge.side))}), mode.flow)
            for mode in own
        ]
    merged: list[Mode] = []
    for mode in before:
        if number not in mode.fills:
            merged.append(mode)
            continue
        for each_mode in own:
            flow = mode.flow if len(own) == 1 else each_mode.flow
            merged.append(Mode((mode.fills - {number}) | each_mode.fills, flow))
    net.modes[edge.source] = _distinct(merged)
    net.drop(number)
    net.forget(name)
    return True


def _merge_join(net: Net, name: str) -> bool:
    """A node with one way out that joins as the next one does is part of that one."""
    if len(net.modes[name]) != 1 or len(net.modes[name][0].fills) != 1 or net.begin in net.ins[name]:
        return False
    (number,) = net.modes[name][0].fills
    edge = net.edges[number]
    after = edge.target
    if after in (OUT, name) or edge.work or name in net.tasks or not net.ins[name]:
        return False
    if len(net.ins[name]) > 1 and (net.joins[name] != net.joins[after] or net.joins[name] == SOME):
        return False
    for each in net.ins[name]:
        net.edges[each].target = after
        net.edges[each].side |= edge.side
        net.ins[after].append(each)
    net.ins[name] = []
    net.drop(number)
    net.forget(name)
    return True
