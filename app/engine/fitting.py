"""Where each row of an open case would stand in another version, and everything that is in the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.blocks import Block, Branch, lines_of
from app.engine.call import Call
from app.engine.events import Boundary, Catcher
from app.engine.nodes import split_name
from app.engine.shape import WAITING, Net, Row
from app.engine.standing import chain_of, is_arrival, units
from app.engine.version import Version


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
    """One case held against a new version. `missing` maps an element to the sentence that asks for it."""

    def __init__(
        self, net: Net, old: Version, new: Version, mapping: Mapping[str, str], is_open: bool
    ) -> None:
        self.net, self.old, self.new, self.mapping = net, old, new, mapping
        self.moved: list[Moved] = []
        self.missing: dict[str, str] = {}
        self.blocked: list[str] = []
        self._blocks: dict[Block, Block] = {}
        self._branches: dict[Branch, Branch] = {}
        if not is_open:
            self.blocked.append("办件已经结束，无需迁移。")
            return
        self._check_mapping()
        for row in units(net):
            self._fit(row)

    def named(self, element: str) -> str:
        """An element's id in the new version."""
        return self.mapping.get(element, element)

    def reads_otherwise(self, event: Row, name: str) -> bool:
        """Whether a waiting timer's time is written otherwise in the new version."""
        if event.within:
            return False
        before, after = self.old.timers.get(event.task_spec.name), self.new.timers.get(name)
        return before is not None and after is not None and before.text != after.text

    def _check_mapping(self) -> None:
        for before, after in self.mapping.items():
            if before not in self.old.spec.task_specs:
                self.missing[before] = f"迁移映射中的 {before} 不在原版本中。"
            elif after not in self.new.spec.task_specs:
                self.missing[before] = f"迁移映射把 {before} 指向 {after}，新版本中没有这个编号。"

    def renamed(self, path: str) -> str:
        """A step as `rounds` names it; what lies in a called process keeps its id."""
        first, slash, rest = path.partition("/")
        return f"{self.named(first)}{slash}{rest}"

    def _fit(self, row: Row) -> None:
        if row.within:
            self._fit_called(row)
            return
        before = row.task_spec.name
        after = self.named(before)
        spec = self.new.spec.task_specs.get(after)
        if spec is None:
            what = "有分支等在此处的汇合" if is_arrival(row) else "在办环节"
            if isinstance(row.task_spec, Catcher):
                what = "正在等待的事件"
            self.missing.setdefault(
                before, f"{what}{self._called(before)}在新版本中没有了，请在迁移映射中指定去向。"
            )
            return
        if type(spec) is not type(row.task_spec):
            self.blocked.append(f"{self._called(before)}在新版本中换成了另一种元素，停在这里的办件不能迁移。")
            return
        if isinstance(spec, Catcher) and not _keeps_its_time(row.task_spec, spec):
            self.blocked.append(
                f"事件{self._called(before)}在新版本中等的是另一种东西，停在这里的办件不能迁移。"
            )
            return
        if spec.home != self.named(row.scope.task_spec.home_inside):
            self.blocked.append(f"{self._called(before)}在新版本中换了子流程，停在这里的办件不能迁移。")
            return
        if isinstance(spec, Call) and (spec.key, spec.pinned) != (row.task_spec.key, row.task_spec.pinned):
            self.blocked.append(
                f"{self._called(before)}所调用的流程 {spec.key} 在新版本中换了版本，停在其中的办件不能迁移，"
                "请等它走出被调用的流程。"
            )
            return
        side = self._side(row)
        source = self._source(row, after) if is_arrival(row) else ""
        if side is None or source is None:
            return
        moved = Moved(row, after, side, source)
        if self._nested_alike(row, moved):
            self._events(moved)
            self.moved.append(moved)

    def _fit_called(self, row: Row) -> None:
        """A row of a called process: that is pinned and stays the same, so nothing in it changes."""
        moved = Moved(row, row.task_spec.name, self._mapped(row.side), row.internal_data.get("v", ""))
        split = row if row.task_spec.holds_events else row.parent
        moved.kept = [
            (each, each.task_spec.name)
            for each in split.children
            if each.task_spec.hangs and each._state == WAITING
        ]
        self.moved.append(moved)

    def _mapped(self, side: str) -> str:
        return "/".join(self.named(each) for each in side.split("/"))

    def _side(self, row: Row) -> str | None:
        """The side line it is on; its events must still be drawn, and still begin side lines."""
        names = []
        for before in row.side.split("/") if row.side else ():
            event = self.new.spec.task_specs.get(self.named(before))
            if not isinstance(event, Boundary) or event.interrupting:
                self.missing.setdefault(
                    before,
                    f"事件{self._called(before)}引出的旁支还在办理，新版本中没有这个不中断的事件，"
                    "请在迁移映射中指定。",
                )
                return None
            names.append(event.name)
        return "/".join(names)

    def _source(self, row: Row, join: str) -> str | None:
        """Where an arrival came from, if the new join still waits for that."""
        before = row.internal_data["v"]
        after = self.named(before)
        spec = self.new.spec.task_specs[join]
        if after in getattr(spec, "needed", ()):
            return after
        self.missing.setdefault(
            before,
            f"汇合{self._called(row.task_spec.name)}在新版本中没有来自{self._called(before)}的分支，而它已经到达，"
            "请在迁移映射中指定由哪一处代替。",
        )
        return None

    # -- parallel parts ------------------------------------------------------------------------------

    def _nested_alike(self, row: Row, moved: Moved) -> bool:
        """Whether the row stands in the same branches of the same parallel parts as before.

        Else a join of the new version would wait for a branch that nobody walks, or not wait for one.
        """
        home = row.scope.task_spec.home_inside
        around = row.scope.side
        old_line = lines_of(self.old).of(row.side, around, home)
        new_line = lines_of(self.new).of(moved.side, self._mapped(around), self.named(home))
        called = self._called(row.task_spec.name)
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
        return all(self._same_branch(old, new, called) for old, new in zip(before, after, strict=True))

    def _same_branch(
        self, old: tuple[Block, Branch | None], new: tuple[Block, Branch | None], called: str
    ) -> bool:
        (before, old_branch), (after, new_branch) = old, new
        start = self._called(before.start)
        alike = before.proper == after.proper and _pairs(self._blocks, before, after)
        if not before.proper:
            alike = alike and {self.named(each) for each in before.inside} == after.inside
        if not alike or len(before.branches) != len(after.branches):
            self.blocked.append(
                f"从{start}开始的并行部分在新版本中改了分法，已经分开的办件不能迁移，请等它汇合之后。"
            )
            return False
        if old_branch is not None and new_branch is not None:
            alike = _pairs(self._branches, old_branch, new_branch)
        if not alike:
            self.blocked.append(f"{called}在新版本中换到了另一条并行分支，停在这里的办件不能迁移。")
        return alike

    # -- events --------------------------------------------------------------------------------------

    def _events(self, moved: Moved) -> None:
        """Which events of an open activity go on, begin, or end; one that has fired stays fired."""
        before, specs = moved.row.task_spec.name, self.new.spec.task_specs
        split = moved.row if moved.row.task_spec.holds_events else moved.row.parent
        held = [row for row in split.children if row.task_spec.hangs]
        waiting = {row.task_spec.name: row for row in held if row._state == WAITING}
        for spec in _edge(specs, moved.element):
            known = next(
                (
                    each
                    for each in _edge(self.old.spec.task_specs, before)
                    if self.named(each.name) == spec.name
                ),
                None,
            )
            row = None if known is None else waiting.get(known.name)
            if known is None or (row is not None and not _keeps_its_time(known, spec)):
                moved.armed.append(spec.name)
            elif row is not None:
                moved.kept.append((waiting.pop(known.name), spec.name))
        moved.ended += waiting.values()

    def _called(self, element: str) -> str:
        step = self.old.steps.get(element)
        spec = self.old.spec.task_specs.get(element)
        name = step.name if step is not None else getattr(spec, "bpmn_name", None)
        return f"“{name or element}”({element})"


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
