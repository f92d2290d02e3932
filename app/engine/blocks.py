"""Where parallel parts begin and end: which split and join enclose a step, worked out once per version.

A *line* is what one token can walk: from the start event of the process or of a sub-process, or, aside, from
a non-interrupting event on an edge. A *block* is a split and its join with nothing between them that enters
or leaves sideways; its branches share no element. What splits without such a join is a block without `join`:
it can only be entered at its start. An end that stops everything round it is no way out of a block.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

from app.engine.events import Boundary
from app.engine.joins import Join, Parallel
from app.engine.nodes import Terminate
from app.engine.shape import OneLevel
from app.engine.subprocess import SubProcess
from app.engine.throws import ThrowEnd
from app.engine.version import Version
from app.engine.ways import Ways, bits_of, on_every_way, reach, turned


@dataclass(frozen=True)
class Branch:
    """One way from a split to its join: the flow that begins it, its elements, where it enters the join."""

    flow: str
    inside: frozenset[str]
    arrives_from: str


@dataclass(frozen=True)
class Block:
    """A parallel part. `join` is None, and `branches` empty, when it is not properly nested; then `start` may
    be '': several start events lead into the middle of it.
    """

    start: str
    inside: frozenset[str]
    join: str | None = None
    branches: tuple[Branch, ...] = ()

    @property
    def proper(self) -> bool:
        """Whether single branches can be left and entered."""
        return self.join is not None

    def branch_of(self, element: str) -> Branch | None:
        """The branch an element lies in."""
        return next((each for each in self.branches if element in each.inside), None)

    def branch_arriving(self, source: str) -> Branch | None:
        """The branch that enters the join from this element."""
        return next((each for each in self.branches if each.arrives_from == source), None)


@dataclass(frozen=True, eq=False)
class Line:
    """What a token that sets out at one of `roots` can reach inside the sub-process `home` (the process: '').

    `after` gives the elements behind each element.
    """

    roots: tuple[str, ...]
    home: str
    after: Ways
    blocks: tuple[Block, ...] = field(default=())

    @cached_property
    def _around(self) -> Mapping[str, tuple[Block, ...]]:
        found: dict[str, list[Block]] = {}
        for block in sorted(self.blocks, key=lambda each: -len(each.inside)):
            for element in block.inside:
                found.setdefault(element, []).append(block)
        return {element: tuple(blocks) for element, blocks in found.items()}

    def around(self, element: str) -> tuple[Block, ...]:
        """The blocks that enclose an element, outermost first."""
        return self._around.get(element, ())

    def reach(self, begin: Iterable[str]) -> frozenset[str]:
        """These and everything behind them."""
        return frozenset(reach(self.after, begin))

    def between(self, first: str, last: Iterable[str]) -> frozenset[str]:
        """Everything that lies on a way from one element to one of the others, ends included."""
        return self.reach([first]) & frozenset(reach(turned(self.after), last))


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of one version by where they begin: an event, or the sub-process whose main line it is."""

    begins: Mapping[str, Line]

    def of(self, side: str, around: str, home: str) -> Line | None:
        """The line of a row by its `side`, the side of the sub-process it lies in, and which one that is.

        None when the event it came from is not drawn.
        """
        return self.begins.get(home if side == around else side.rpartition("/")[2])


_known: "WeakKeyDictionary[Version, Lines]" = WeakKeyDictionary()


def lines_of(version: Version) -> Lines:
    """Lines and blocks of a version, known as long as the version is."""
    lines = _known.get(version)
    if lines is None:
        lines = _known[version] = _lines(version)
    return lines


def _lines(version: Version) -> Lines:
    specs: Mapping[str, OneLevel] = version.spec.task_specs
    out: dict[str, list[tuple[str, str]]] = {}
    for flow in version.flows.values():
        out.setdefault(flow.source, []).append((flow.id, flow.target))
    begins = {"": version.starts}
    for spec in specs.values():
        if isinstance(spec, SubProcess) and spec.first:
            begins[spec.name] = (spec.first,)
        elif isinstance(spec, Boundary) and spec.interrupting:
            out.setdefault(spec.drawn.step or "", []).append(("", spec.name))
        elif isinstance(spec, Boundary):
            begins[spec.name] = (spec.name,)
    ways = {element: tuple(target for _, target in leaving) for element, leaving in out.items()}
    before = turned(ways)
    lines = {}
    for name, roots in begins.items():
        after = {element: ways.get(element, ()) for element in sorted(reach(ways, roots))}
        lines[name] = Line(roots, specs[roots[0]].home, after, _blocks(roots, after, out, before, specs))
    return Lines(lines)


def splits(spec: OneLevel) -> bool:
    """Whether an element sends out, or gathers, several tokens."""
    return isinstance(spec, Join)


def waits_for_all(spec: OneLevel) -> bool:
    """Whether a join needs every branch; an inclusive one sees for itself what may still come."""
    return isinstance(spec, Parallel)


def stops_all(spec: OneLevel) -> bool:
    """Whether nothing round this end goes on."""
    return isinstance(spec, Terminate) or (isinstance(spec, ThrowEnd) and spec.drawn.kind == "error")


def _blocks(
    roots: tuple[str, ...],
    after: Ways,
    out: Mapping[str, list[tuple[str, str]]],
    before: Mapping[str, list[str]],
    specs: Mapping[str, OneLevel],
) -> tuple[Block, ...]:
    """`before` spans all lines, so that a side line entering a block makes it improper."""
    opening = [element for element, targets in after.items() if splits(specs[element]) and len(targets) > 1]
    if not opening:
        return ()
    stops = {element for element in after if stops_all(specs[element])}
    shape = _Shape(roots, after, stops)
    found: dict[tuple[str, frozenset[str]], Block] = {}
    for split in opening:
        block = _proper(split, shape, out, before, specs) or _improper(split, shape)
        found.setdefault((block.start, block.inside), block)
    return tuple(found.values())


def _proper(
    split: str,
    shape: "_Shape",
    out: Mapping[str, list[tuple[str, str]]],
    before: Mapping[str, list[str]],
    specs: Mapping[str, OneLevel],
) -> Block | None:
    join = shape.next_for_all([split])
    if (
        join is None
        or not splits(specs[join])
        or len(before[join]) < 2
        or shape.last_for_all([join]) != split
        or (waits_for_all(specs[join]) and not waits_for_all(specs[split]))  # for branches nobody chose
    ):
        return None
    entering = list(before[join])
    branches: list[Branch] = []
    inside: set[str] = set()
    for flow, first in out[split]:
        part = frozenset(reach(shape.after, [first], {join}) - {join} - shape.stops)
        arriving = [source for source in entering if source in part or (first == join and source == split)]
        if split in part or inside & part or not arriving:
            return None
        if part and len(arriving) != 1:
            return None
        if any(source not in part and source != split for each in part for source in before[each]):
            return None
        entering.remove(arriving[0])
        inside |= part
        branches.append(Branch(flow, part, arriving[0]))
    return None if entering else Block(split, frozenset(inside), join, tuple(branches))


def _improper(split: str, shape: "_Shape") -> Block:
    """The smallest part round a split that has one start and one way out."""
    inside = {split}
    while True:
        start = shape.last_for_all(inside, itself=True)
        assert start is not None
        way_out = shape.next_for_all({*inside, start})
        grown = reach(shape.after, [start], {way_out} if way_out else set()) - {way_out}
        if grown <= inside:
            return Block(start, frozenset(inside - {start}))
        inside |= grown


class _Shape:
    """Dominators both ways over one line, as bit masks; '' stands before all start events."""

    def __init__(self, roots: tuple[str, ...], line: Ways, stops: set[str]) -> None:
        self.after = after = {"": roots, **line}
        self.stops = stops
        self.names = list(after)
        self.bit = bits_of(self.names)
        before = turned(after)
        self.passed = on_every_way(self.bit, before, [""])
        self.to_pass = on_every_way(self.bit, after, {name for name in self.names if not after[name]} - stops)

    def last_for_all(self, elements: Iterable[str], itself: bool = False) -> str | None:
        """The nearest element every way from the root to these passes; `itself`: it may be one of them."""
        return self._nearest(self.passed, elements, None if itself else set(elements))

    def next_for_all(self, elements: Iterable[str]) -> str | None:
        """The nearest other element every way from these to an end passes."""
        return self._nearest(self.to_pass, elements, set(elements))

    def _nearest(
        self, masks: Mapping[str, int], elements: Iterable[str], without: set[str] | None
    ) -> str | None:
        common = -1
        for each in elements:
            common &= masks[each]
        shared = [name for name in self.names if common & self.bit[name] and name not in (without or ())]
        return max(shared, key=lambda name: masks[name].bit_count(), default=None)
