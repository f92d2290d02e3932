"""Where a case stands seen from one of its tasks: what it may go back to, and what would go with that.

What goes is decided by blocks (`blocks.py`): everything in the innermost open branch that holds the target,
or the whole line if no open branch does. So siblings stay when the target lies in a branch, and all branches
end when it lies before their split. What runs behind non-interrupting events stays unless its event says
`onReturn=end`. A target outside the task's sub-process takes the sub-process with it; a target inside one
that has ended makes that start again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from app.engine.blocks import Block, Branch, Line, lines_of, waits_for_all
from app.engine.errors import ReturnImpossible
from app.engine.events import Boundary
from app.engine.forgetting import outcomes_of, walked
from app.engine.nodes import split_name
from app.engine.repeats import Repeat
from app.engine.returns import Edit, ReturnTarget
from app.engine.shape import Net, Row
from app.engine.standing import (
    Floor,
    Standing,
    chain_of,
    floors_of,
    homes,
    inside_of,
    open_task,
    public,
    units,
)
from app.engine.version import Version

AUTO, BRANCH, BLOCK = "auto", "branch", "block"
END = "end"


@dataclass(frozen=True)
class Level:
    """The sub-process (or the case) and the line in which a return takes place.

    `element` is the target there: the step, or (not `is_step`) the sub-process it lies in. `row` is what
    stands for the task that asks; None when that is elsewhere.
    """

    scope: Row
    side: str
    row: Row | None
    element: str
    line: Line
    standing: tuple[Standing, ...]
    is_step: bool
    key: str  # what this case knows the step by, seen from here


class Position:
    """Where a case stands, seen from one of its open tasks, or from outside when the main line has ended."""

    def __init__(self, net: Net, version: Version, ref: str | None) -> None:
        """Raises ReturnImpossible when `ref` is no open task, or is missing while the main line goes on."""
        self.net, self.version = net, version
        self.row = open_task(net, ref)
        if ref is None and any(row.scope is net.task_tree and not row.side for row in units(net)):
            raise ReturnImpossible(("该环节已不在待办中。",), ref=ref)

    def edit(self, step: str, scope: str, withdraw: bool = False) -> Edit:
        """What has to happen. Raises ReturnImpossible with every reason that is known."""
        level = self._level(step)
        self._may(level, step, withdraw)
        block, branch, closed = _entry(level)
        taken = [each for each in level.standing if _stands_in(each, block, branch)]
        if level.row is not None and level.side != level.scope.side:
            taken = _of_one_firing(level, taken, block)
        if level.standing and not taken:
            raise self._no(step, f"环节{self._named(step)}所在的分支这一次没有走。")
        ahead = level.line.reach([level.element])
        if level.standing and not any(each.element in ahead for each in taken):
            raise self._no(step, f"从环节{self._named(step)}走不到现在的环节，它不在前面。")
        choices = _choices(closed)
        depth, chosen = self._depth(level, step, scope, closed, choices)
        at = closed[depth].start if depth < len(closed) else level.element
        why, rounds = self._why(level, step, closed), self.net.rounds[level.key]
        edit = Edit(step, chosen, at, level.scope, level.side, choices, why, rounds)
        edit.withdrawn = [each.row for each in taken]
        specs = level.scope.task_spec.specs_inside(level.scope)
        for each in closed[:depth]:
            if each.join is not None and waits_for_all(specs[each.join]):
                own = each.branch_of(level.element)
                edit.arrivals += [(each.join, way.arrives_from) for way in each.branches if way is not own]
        self._side_lines(level, edit, taken)
        passed = walked(level.line, at, (each.element for each in taken), branch)
        drawn = self._version(public(level.scope.task_spec.path_inside(level.scope)))
        edit.forgotten = outcomes_of(self.net, level.scope, passed, drawn)
        return edit

    def steps(self) -> list[str]:
        """Every step this case has entered, named with the calls round it, in the order of the diagrams."""
        drawn = list(self.version.steps)
        return sorted(
            {public(each) for each in self.net.rounds},
            key=lambda each: (each.count("/"), drawn.index(each) if each in drawn else 0, each),
        )

    def target(self, step: str, withdraw: bool = False) -> ReturnTarget | None:
        """The step as a target, or None when it is none."""
        try:
            edit = self.edit(step, AUTO, withdraw)
        except ReturnImpossible:
            return None
        return ReturnTarget(step, self._name(step), edit.rounds, edit.choices, tuple(edit.reasons))

    # -- where it takes place ------------------------------------------------------------------------

    def _level(self, step: str) -> Level:
        ways_out = self._ways_out(step)
        floors = {("", ""): (self.net.task_tree, None)} if self.row is None else floors_of(self.row)
        place = next(place for place, (floor, _) in enumerate(ways_out) if floor in floors)
        scope, row = floors[ways_out[place][0]]
        side = "" if row is None else row.side
        while place:  # a sibling sub-process that is still open is entered, not started again
            inner = [
                each
                for each in units(self.net)
                if each.scope is scope and each.side == side and each.task_spec.name == ways_out[place][1]
            ]
            if len(inner) != 1:
                break
            if isinstance(inner[0].task_spec, Repeat):
                raise self._no(
                    step,
                    f"环节{self._named(step)}所在的子流程正在按名单分别办理，从外面分不清该退回哪一份；"
                    "请由那一份的经办人退回，或等它全部办完。",
                )
            scope, row, place = inner[0], None, place - 1
        (within, home), element = ways_out[place]
        line = lines_of(self._version(within)).of(side, scope.side, home)
        if line is None:
            raise self._no(step, "它所在的旁支在现在的流程图中已经没有了，不能退回。")
        rows = [each for each in units(self.net) if each.scope is scope and each.side == side]
        standing = tuple(Standing(each, each.task_spec.name, chain_of(line, each)) for each in rows)
        inside = public(scope.task_spec.path_inside(scope))
        key = scope.task_spec.path_inside(scope) + step.removeprefix(inside)
        return Level(scope, side, row, element, line, standing, place == 0, key)

    def _ways_out(self, step: str) -> list[tuple[Floor, str]]:
        """The step and every sub-process and call activity round it, innermost first, with where it lies."""
        found: list[tuple[Floor, str]] = []
        version, within, last = self.version, "", step.rpartition("/")[2]
        for element in step.split("/")[:-1]:
            if element not in version.calls:
                raise ReturnImpossible((f"流程图中没有环节 {step}。",), element=step)
            found = homes(version, within, element) + found
            version, within = version.inside([element]), f"{within}{element}/"
        if last not in version.steps:
            raise ReturnImpossible((f"流程图中没有环节 {step}。",), element=step)
        return homes(version, within, last) + found

    def _version(self, within: str) -> Version:
        return self.version.inside(public(within).split("/")[:-1])

    # -- what may be returned to ---------------------------------------------------------------------

    def _may(self, level: Level, step: str, withdraw: bool) -> None:
        if any(each.element == level.element for each in level.standing):
            raise self._no(step, f"环节{self._named(step)}正在办理中，不需要退回。")
        if not self._passed(step, level.key):
            raise self._no(step, f"环节{self._named(step)}还没有办过，不能退回到它。")
        if level.element not in level.line.after:
            where = "旁支上的环节，只能在该旁支内退回"
            if level.side:
                where = "主线上的环节，旁支不能退回到主线"
            raise self._no(step, f"环节{self._named(step)}是{where}。")
        if self.row is not None and not withdraw:
            within, allowed = public(self.row.within), self.row.task_spec.step.return_to
            asked = step.removeprefix(within) if step.startswith(within) else step
            if asked not in allowed and "*" not in allowed:
                raise self._no(step, self._allowed(within, allowed))

    def _allowed(self, within: str, allowed: Iterable[str]) -> str:
        assert self.row is not None
        here = self._named(within + self.row.task_spec.name)
        drawn = self._version(within).steps
        names = [self._named(within + each) for each in allowed if each in drawn]
        if not names:
            return f"环节{here}不允许退回。"
        return f"环节{here}只允许退回到：{'、'.join(names)}。"

    def _passed(self, step: str, key: str) -> bool:
        """Entered, and left otherwise than by a return: completed, or ended by an interrupting event."""
        if not self.net.rounds.get(key):
            return False
        if key in self.net.outcomes:
            return True
        for (within, _), element in self._ways_out(step):
            split = self._version(within).spec.task_specs.get(split_name(element))
            if split is not None and any(
                isinstance(each, Boundary) and each.interrupting for each in split.outputs
            ):
                return True
        return False

    # -- how deep it is entered ----------------------------------------------------------------------

    def _depth(
        self, level: Level, step: str, scope: str, closed: list[Block], choices: tuple[str, ...]
    ) -> tuple[int, str]:
        """How many of the closed blocks are entered below their start; the scope that is."""
        kind, _, start = scope.partition(":")
        if kind not in (AUTO, BRANCH, BLOCK):
            raise self._no(step, f"没有“{scope}”这种退回范围。")
        if not closed:
            if start:
                raise self._no(step, f"环节{self._named(step)}不在从 {start} 开始的并行部分内。")
            return 0, "step"
        if not choices:
            raise self._no(step, *self._why_blocks(level, step, closed))
        chosen = choices[0] if kind == AUTO else scope
        if chosen not in choices:
            raise self._no(step, *self._why_blocks(level, step, closed))
        if chosen == BRANCH:
            return len(closed), chosen
        if start:
            return [each.start for each in closed].index(start), chosen
        return _deepest_start(closed), chosen

    def _why(self, level: Level, step: str, closed: list[Block]) -> list[str]:
        reasons = self._why_blocks(level, step, closed)
        if not level.is_step:
            part = self._named(public(level.scope.task_spec.path_inside(level.scope)) + level.element)
            several = isinstance(level.scope.task_spec.specs_inside(level.scope)[level.element], Repeat)
            reasons.append(
                f"环节{self._named(step)}在子流程{part}内，该子流程已经结束，将从它的第一步重新开始"
                f"{'，名单上的每一份都要重办' if several else ''}。"
            )
        return reasons

    def _why_blocks(self, level: Level, step: str, closed: list[Block]) -> list[str]:
        if not closed:
            return []
        broken = next((each for each in closed if not each.proper), None)
        if broken is not None:
            within = public(level.scope.task_spec.path_inside(level.scope))
            how = "也没有共同的起点"
            if broken.start:
                how = f"只能从它的起点{self._named(within + broken.start)}重新开始"
            return [
                f"环节{self._named(step)}所在的并行部分没有成对地分开、汇合，不能单独退回到其中一步，{how}。"
            ]
        return [
            f"环节{self._named(step)}所在的并行部分已经汇合："
            "可以只重办它这一支，其余各支算作已办；也可以整个并行部分重办。"
        ]

    # -- what hangs beside ---------------------------------------------------------------------------

    def _side_lines(self, level: Level, edit: Edit, taken: list[Standing]) -> None:
        again = {level.element, *(each.element for each in taken)}
        edit.between = level.line.between(edit.at, again) if taken else level.line.reach([edit.at])
        again |= edit.between
        drawn = self._version(public(level.scope.task_spec.path_inside(level.scope)))
        inside = (drawn.spec.task_specs[each].bpmn_id for each in inside_of(edit.between, drawn))
        edit.between |= {each for each in inside if each is not None}
        below = f"{level.side}/" if level.side else ""
        specs, told = level.scope.task_spec.specs_inside(level.scope), dict[str, bool]()
        for row in units(self.net):
            if row.scope is not level.scope or row.side == level.side or not row.side.startswith(below):
                continue
            spec = specs.get(row.side.removeprefix(below).partition("/")[0])
            if not isinstance(spec, Boundary) or spec.drawn.step not in again:
                continue
            ends = spec.drawn.on_return == END
            told[spec.drawn.name] = ends
            if ends:
                edit.withdrawn.append(row)
        edit.reasons += [
            f"“{name}”引出的旁支{'一并撤回' if ends else '继续办理，不受退回影响'}。"
            for name, ends in told.items()
        ]

    def _name(self, element: str) -> str:
        within, _, last = element.rpartition("/")
        version = self._version(f"{within}/" if within else "")
        step = version.steps.get(last)
        return (step.name if step is not None else version.spec.task_specs[last].bpmn_name) or last

    def _named(self, element: str) -> str:
        return f"“{self._name(element)}”({element})"

    def _no(self, step: str, *reasons: str) -> ReturnImpossible:
        return ReturnImpossible(reasons, element=step, ref=None if self.row is None else self.row.ref)


def _entry(level: Level) -> tuple[Block | None, Branch | None, list[Block]]:
    """The innermost open block with its branch, and the blocks that must be entered anew below it."""
    around = [block for block in level.line.around(level.element) if block.start != level.element]
    found: tuple[Block | None, Branch | None] = (None, None)
    closed = around
    for place, block in enumerate(around):
        if block.proper and any(block is other for each in level.standing for other, _ in each.chain):
            found = block, block.branch_of(level.element)
            closed = around[place + 1 :]
    return *found, closed


def _of_one_firing(level: Level, taken: list[Standing], block: Block | None) -> list[Standing]:
    """A side line may be walked by several firings at once: only the one of this task goes back."""
    own = next(each for each in level.standing if each.row is level.row)
    if own in taken and (own.chain[-1][0] if own.chain else None) is block:
        return [own]
    chains = [each.chain for each in taken]
    if any(one == other[: len(one)] for one, other in permutations(chains, 2)):
        raise ReturnImpossible(
            ("同一个定时事件的几次旁支正在同时办理，分不清该撤回哪一次的待办，请先办完其中一次。",),
            ref=own.row.ref,
        )
    return taken


def _stands_in(each: Standing, block: Block | None, branch: Branch | None) -> bool:
    return block is None or any(b is block and way is branch for b, way in each.chain)


def _deepest_start(closed: list[Block]) -> int:
    """The innermost closed block whose start can be entered: nothing below an improper one can."""
    return next((place for place, each in enumerate(closed) if not each.proper), len(closed) - 1)


def _choices(closed: list[Block]) -> tuple[str, ...]:
    if not closed:
        return ()
    last = _deepest_start(closed)
    outer = tuple(f"{BLOCK}:{each.start}" for each in reversed(closed[:last]))
    if not closed[last].start:
        return outer
    return (*((BRANCH,) if closed[last].proper else ()), BLOCK, *outer)
