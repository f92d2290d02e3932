"""Where each row of an open case would stand in another version, and everything that is in the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from app.engine.blocks import Block, Branch, lines_of
from app.engine.call import Call
from app.engine.events import Boundary, Catcher
from app.engine.instances import ManyTask
from app.engine.nodes import split_name
from app.engine.repeats import Instance, Repeat
from app.engine.shape import WAITING, Net, Row, path
from app.engine.standing import chain_of, is_arrival, units
from app.engine.version import Version

# What the parser adds to a drawn id for parts that nobody draws.
MADE = (".Instances", ".Instance", ".Call")
Path = tuple[str, ...]


@dataclass
class Moved:
    """A row and where it goes; `kept` are its waiting events with their new ids, `armed` new ids alone.

    A timer in the line is its own waiting event.
    """

    row: Row
    element: str
    side: str
    source: str = ""
    kept: list[tuple[Row, str]] = field(default_factory=list)
    armed: list[str] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)


class Fitting:
    """One case held against a new version. `missing` maps an element to the sentence that asks for it.

    Elements of a called process are named with the calls round them, `call/step`; the mapping's keys are old
    names, its values new ids.
    """

    def __init__(
        self, net: Net, old: Version, new: Version, mapping: Mapping[str, str], is_open: bool
    ) -> None:
        self.net, self.old, self.new, self.mapping = net, old, new, mapping
        self.moved: list[Moved] = []
        self.missing: dict[str, str] = {}
        self.blocked: list[str] = []
        self._sides = {net.task_tree.id: ""}  # of rows that have found their place
        self._blocks: dict[Block, Block] = {}
        self._branches: dict[Branch, Branch] = {}
        self.drawn = cache(self._drawn)
        if not is_open:
            self.blocked.append("办件已经结束，无需迁移。")
            return
        self._check_mapping()
        for row in units(net):
            if self._is_drawn(path(row)):  # else the call it lies in is in the way already
                self._fit(row)

    def named(self, element: str, calls: Path = ()) -> str:
        """An element's id in the new version."""
        made = next((each for each in MADE if element.endswith(each)), "")
        base = element.removesuffix(made)
        return self.mapping.get("/".join((*calls, base)), base) + made

    def renamed(self, key: str) -> str:
        """A step as `rounds` names it, instances and calls round it."""
        calls: list[str] = []
        found = []
        for part in key.split("/"):
            name, mark, number = part.partition("#")
            found.append(self.named(name, tuple(calls)) + mark + number)
            if not mark:
                calls.append(name)
        return "/".join(found)

    def reads_otherwise(self, event: Row, name: str) -> bool:
        """Whether a waiting timer's time is written otherwise in the new version."""
        old, new = self.drawn(path(event))
        before, after = old.timers.get(event.task_spec.name), new.timers.get(name)
        return before is not None and after is not None and before.text != after.text

    def _drawn(self, calls: Path) -> tuple[Version, Version]:
        """The two versions that draw what lies inside these call activities, as the old one names them."""
        new = tuple(self.named(each, calls[:place]) for place, each in enumerate(calls))
        return self.old.inside(calls), self.new.inside(new)

    def _is_drawn(self, calls: Path) -> bool:
        try:
            self.drawn(calls)
        except KeyError:
            return False
        return True

    def _check_mapping(self) -> None:
        for before, after in self.mapping.items():
            *calls, element = before.split("/")
            if not self._is_drawn(tuple(calls)):
                self.missing[before] = f"迁移映射中的 {before} 不在原版本中。"
                continue
            old, new = self.drawn(tuple(calls))
            if element not in old.spec.task_specs:
                self.missing[before] = f"迁移映射中的 {before} 不在原版本中。"
            elif after not in new.spec.task_specs:
                self.missing[before] = f"迁移映射把 {before} 指向 {after}，新版本中没有这个编号。"

    def _fit(self, row: Row) -> None:
        calls = path(row)
        _, new = self.drawn(calls)
        before = row.task_spec.name
        after = self.named(before, calls)
        spec = new.spec.task_specs.get(after)
        if spec is None:
            what = "有分支等在此处的汇合" if is_arrival(row) else "在办环节"
            if isinstance(row.task_spec, Catcher):
                what = "正在等待的事件"
            self.missing.setdefault(
                "/".join((*calls, before)),
                f"{what}{self._called(row)}在新版本中没有了，请在迁移映射中指定去向。",
            )
            return
        why = self._unlike(row, spec)
        if why is not None:
            self.blocked.append(f"{self._called(row)}{why}")
            return
        if row.scope.id not in self._sides:
            return
        side = self._side(row, new)
        source = self._source(row, spec) if is_arrival(row) else ""
        if side is None or source is None:
            return
        moved = Moved(row, after, side, source)
        if isinstance(spec, Instance) or self._nested_alike(row, moved):
            self._events(moved)
            self.moved.append(moved)
            self._sides[row.id] = side

    def _unlike(self, row: Row, spec: Any) -> str | None:
        """Why what the old element keeps is of no use to the new one."""
        old = row.task_spec
        if type(spec) is not type(old):
            return "在新版本中换成了另一种元素，停在这里的办件不能迁移。"
        if isinstance(spec, Catcher) and not _keeps_its_time(old, spec):
            return "在新版本中等的是另一种东西，停在这里的办件不能迁移。"
        if spec.home != self.named(row.scope.task_spec.home_inside, path(row)):
            return "在新版本中换了子流程，停在这里的办件不能迁移。"
        if isinstance(spec, Call) and spec.key != old.key:
            return f"在新版本中调用另一个流程 {spec.key}，停在其中的办件不能迁移，请等它走出被调用的流程。"
        if isinstance(spec, Repeat) and spec.many.sequential is not old.many.sequential:
            return "在新版本中改了次序（同时办、依次办），正在办理的不能迁移，请等它全部办完。"
        return _unlike_votes(row, spec) if isinstance(spec, ManyTask) else None

    def _side(self, row: Row, new: Version) -> str | None:
        """The side line it is on; its events must still be drawn, and still begin side lines."""
        calls, around = path(row), row.scope.side
        names = [self._sides[row.scope.id]] if around else []
        for before in row.side[len(around) :].strip("/").split("/") if row.side != around else ():
            event = new.spec.task_specs.get(self.named(before, calls))
            if not isinstance(event, Boundary) or event.interrupting:
                self.missing.setdefault(
                    "/".join((*calls, before)),
                    f"事件{self._called(row, before)}引出的旁支还在办理，新版本中没有这个不中断的事件，"
                    "请在迁移映射中指定。",
                )
                return None
            names.append(event.name)
        return "/".join(names)

    def _source(self, row: Row, join: Any) -> str | None:
        """Where an arrival came from, if the new join still waits for that."""
        calls, before = path(row), row.internal_data["v"]
        after = self.named(before, calls)
        if after in getattr(join, "needed", ()):
            return after
        self.missing.setdefault(
            "/".join((*calls, before)),
            f"汇合{self._called(row)}在新版本中没有来自{self._called(row, before)}的分支，而它已经到达，"
            "请在迁移映射中指定由哪一处代替。",
        )
        return None

    # -- parallel parts ------------------------------------------------------------------------------

    def _nested_alike(self, row: Row, moved: Moved) -> bool:
        """Whether the row stands in the same branches of the same parallel parts as before.

        Else a join of the new version would wait for a branch that nobody walks, or not wait for one.
        """
        old, new = self.drawn(path(row))
        home = row.scope.task_spec.home_inside
        old_line = lines_of(old).of(row.side, row.scope.side, home)
        new_line = lines_of(new).of(moved.side, self._sides[row.scope.id], self.named(home, path(row)))
        called = self._called(row)
        if old_line is None or new_line is None or moved.element not in new_line.after:
            self.blocked.append(f"环节{called}在新版本中走不到，停在这里的办件不能迁移。")
            return False
        before = chain_of(old_line, row)
        after = chain_of(new_line, row, moved.element, moved.source)
        if len(before) != len(after):
            how = "移进了" if len(after) > len(before) else "移出了"
            self.blocked.append(
                f"{called}在新版本中{how}并行部分，其他分支不会有人办理，停在这里的办件不能迁移。"
            )
            return False
        return all(self._same_branch(row, *each) for each in zip(before, after, strict=True))

    def _same_branch(
        self, row: Row, old: tuple[Block, Branch | None], new: tuple[Block, Branch | None]
    ) -> bool:
        (before, old_branch), (after, new_branch) = old, new
        alike = before.proper == after.proper and _pairs(self._blocks, before, after)
        if not before.proper:
            alike = alike and {self.named(each, path(row)) for each in before.inside} == after.inside
        if not alike or len(before.branches) != len(after.branches):
            self.blocked.append(
                f"从{self._called(row, before.start)}开始的并行部分在新版本中改了分法，"
                "已经分开的办件不能迁移，请等它汇合之后。"
            )
            return False
        if old_branch is not None and new_branch is not None:
            alike = _pairs(self._branches, old_branch, new_branch)
        if not alike:
            self.blocked.append(
                f"{self._called(row)}在新版本中换到了另一条并行分支，停在这里的办件不能迁移。"
            )
        return alike

    # -- events --------------------------------------------------------------------------------------

    def _events(self, moved: Moved) -> None:
        """Which events of an open activity go on, begin, or end; one that has fired stays fired."""
        calls = path(moved.row)
        old, new = self.drawn(calls)
        split = moved.row if moved.row.task_spec.holds_events else moved.row.parent
        held = [row for row in split.children if row.task_spec.hangs]
        waiting = {row.task_spec.name: row for row in held if row._state == WAITING}
        edge = {
            self.named(each.name, calls): each
            for each in _edge(old.spec.task_specs, moved.row.task_spec.name)
        }
        for spec in _edge(new.spec.task_specs, moved.element):
            known = edge.get(spec.name)
            row = None if known is None else waiting.get(known.name)
            if known is None or (row is not None and not _keeps_its_time(known, spec)):
                moved.armed.append(spec.name)
            elif row is not None:
                moved.kept.append((waiting.pop(known.name), spec.name))
        moved.ended += waiting.values()

    def _called(self, row: Row, element: str = "") -> str:
        """The row's element, or another one drawn beside it, as people know it."""
        calls = path(row)
        old, _ = self.drawn(calls)
        drawn = element or getattr(row.task_spec, "element", row.task_spec.bpmn_id) or row.task_spec.name
        step = old.steps.get(drawn)
        spec = old.spec.task_specs.get(drawn)
        name = step.name if step is not None else getattr(spec, "bpmn_name", None)
        return f"“{name or drawn}”({'/'.join((*calls, drawn))})"


def _unlike_votes(row: Row, spec: ManyTask) -> str | None:
    """Why those who have signed, or are still to sign, cannot go on under the new version."""
    old, new = row.task_spec.step, spec.step
    if (old.many is None or old.many.sequential) is not (new.many is None or new.many.sequential):
        return "在新版本中改了会签的次序（同时办、依次办），正在会签的不能迁移，请等会签结束。"
    known = [each.name for each in new.outcomes]
    lost = next((said for _, said in row.internal_data["votes"] if said not in known), None)
    if lost is not None:
        return f"已经有人表态“{lost}”，新版本的结论里没有它，正在会签的不能迁移，请等会签结束。"
    return None


def _pairs(known: dict[Any, Any], before: Any, after: Any) -> bool:
    """Whether these two belong together, and to nobody else; remembered for the next row."""
    if before not in known and after not in known.values():
        known[before] = after
    return known.get(before) is after


def _edge(specs: Mapping[str, Any], element: str) -> list[Catcher]:
    """The events on the edge of an activity, or behind an event-based gateway, in the order drawn."""
    split = specs.get(split_name(element)) or specs[element]
    return [each for each in split.outputs if each.hangs] if split.holds_events else []


def _keeps_its_time(before: Catcher, after: Catcher) -> bool:
    """Whether what the old one keeps is what the new one needs: a cycle, a single timer, and one that a clock
    moves keep different things, and one that awaits something else keeps nothing of use.
    """
    if before.awaits != after.awaits:
        return False
    old, new = before.definition, after.definition
    if old is None or new is None:
        return old is new
    return (old.kind == "cycle") == (new.kind == "cycle") and old.bound == new.bound
