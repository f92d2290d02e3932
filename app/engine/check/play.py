"""The token game of a shrunk diagram, played through in every way: where it can stand still for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.engine.check.tokens import ALL, OUT, SOME, Net

MOST_MARKINGS = 4_000

Marking = frozenset[int]
Reach = Mapping[str, Mapping[int, frozenset[int]]]


@dataclass(frozen=True)
class Move:
    """One step of the game: who moves, by which choice (None: no choice), and the marking after it."""

    node: str
    choice: int | None
    after: Marking | None  # None: an edge would hold two tokens
    doubled: bool = False  # two tokens on an edge: work would be done twice


@dataclass
class Play:
    """Every marking that can come up, and the moves between them; not `complete` when there were too many."""

    begin: Marking
    moves: dict[Marking, list[Move]]
    depth: dict[Marking, int]
    complete: bool

    def living(self) -> set[Marking]:
        """Markings from which the game can still end, or double, which is another trouble."""
        before: dict[Marking, list[Marking]] = {}
        good = []
        for marking, moves in self.moves.items():
            if not marking or any(move.after is None for move in moves):
                good.append(marking)
            for move in moves:
                if move.after is not None:
                    before.setdefault(move.after, []).append(marking)
        living = set(good)
        while good:
            for earlier in before.get(good.pop(), ()):
                if earlier not in living:
                    living.add(earlier)
                    good.append(earlier)
        return living


def play(net: Net) -> Play:
    """All markings reachable from the start, at most MOST_MARKINGS."""
    begin = frozenset({net.begin})
    reach = _reach(net)
    found: dict[Marking, list[Move]] = {}
    waiting = deque([begin])
    depth = {begin: 0}
    while waiting:
        marking = waiting.popleft()
        found[marking] = list(_moves(net, reach, marking))
        for move in found[marking]:
            if move.after is not None and move.after not in depth:
                depth[move.after] = depth[marking] + 1
                waiting.append(move.after)
        if len(depth) > MOST_MARKINGS:
            return Play(begin, found, depth, False)
    return Play(begin, found, depth, True)


def _reach(net: Net) -> Reach:
    """Of joins that take SOME: for each way in, the edges from which a token can come there past no other."""
    into: dict[str, list[int]] = {}
    for number, edge in net.edges.items():
        into.setdefault(edge.target, []).append(number)
    found: dict[str, dict[int, frozenset[int]]] = {}
    for name, kind in net.joins.items():
        if kind != SOME or not net.waits(name):
            continue
        for way in net.ins[name]:
            seen, waiting = {way}, [way]
            while waiting:
                source = net.edges[waiting.pop()].source
                for number in into.get(source, ()) if source not in (name, OUT) else ():
                    if number not in seen:
                        seen.add(number)
                        waiting.append(number)
            found.setdefault(name, {})[way] = frozenset(seen)
    return found


def _taken(net: Net, reach: Reach, name: str, marking: Marking) -> list[Marking]:
    """The sets of tokens this node may take now."""
    ins = net.ins[name]
    if net.joins[name] == ALL:
        return [frozenset(ins)] if ins and marking.issuperset(ins) else []
    come = [number for number in ins if number in marking]
    if name not in reach or not come:
        return [frozenset({number}) for number in come]
    for number in marking.difference(ins):
        may = [way for way, before in reach[name].items() if number in before]
        if may and not any(way in come for way in may):
            return []
    return [frozenset(come)]


def _moves(net: Net, reach: Reach, marking: Marking) -> Iterator[Move]:
    if any(net.edges[number].kills for number in marking):
        yield Move(OUT, None, frozenset())
        return
    for number in marking:
        if net.edges[number].target == OUT:
            yield Move(OUT, None, marking - {number})
    for name in net.ins:
        for tokens in _taken(net, reach, name, marking):
            left = marking - tokens
            for choice, mode in enumerate(net.modes[name]):
                # A reminder's branch may still be walked when it rings again: no fault of the drawing.
                doubled = any(not net.edges[number].side for number in left & mode.fills)
                after = None if doubled else left | mode.fills
                yield Move(name, choice if len(net.modes[name]) > 1 else None, after, doubled)
