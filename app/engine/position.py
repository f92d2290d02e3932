"""Where a case stands seen from one of its tasks: what it may go back to, and what would go with that.

What goes is decided by blocks (`blocks.py`): everything in the innermost open branch that holds the target,
or the whole line if no open branch does. So siblings stay when the target lies in a branch, and all branches
end when it lies before their split. What runs behind non-interrupting events stays unless its event says
`onReturn=end`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from app.engine.blocks import Block, Branch, Line, lines_of
from app.engine.errors import ReturnImpossible
from app.engine.nodes import Parallel, TimerEvent, UserTask
from app.engine.returns import Edit, ReturnTarget
from app.engine.shape import READY, WAITING, Net, Row
from app.engine.version import Version

AUTO, BRANCH, BLOCK = "auto", "branch", "block"
END = "end"

Chain = tuple[tuple[Block, Branch | None], ...]


@dataclass(frozen=True)
class Standing:
    """A row of the line that moves, and where on the line it counts as standing."""

    row: Row
    element: str
    chain: Chain


class Position:
    """Where a case stands, seen from one of its open tasks, or from outside when the main line has ended."""

    def __init__(self, net: Net, version: Version, ref: str | None) -> None:
        """Raises ReturnImpossible when `ref` is no open task."""
        self.net, self.version = net, version
        self.row = _task(net, ref)
        self.side = "" if self.row is None else self.row.side
        line = lines_of(version).of_side(self.side)
        if line is None:
            raise ReturnImpossible(("它所在的旁支在现在的流程图中已经没有了，不能退回。",), ref=ref)
        self.line: Line = line
        rows = [row for row in net.tokens() if row.side == self.side and not hangs_on_a_step(row)]
        if self.row is None and rows:
            raise ReturnImpossible(("该环节已不在待办中。",), ref=ref)
        self.standing = [Standing(row, row.task_spec.name, chain_of(self.line, row)) for row in rows]

    def edit(self, step: str, scope: str, withdraw: bool = False) -> Edit:
        """What has to happen. Raises ReturnImpossible with every reason that is known."""
        self._may(step, withdraw)
        block, branch, closed = self._entry(step)
        taken = [each for each in self.standing if _stands_in(each, block, branch)]
        if self.side:
            taken = self._of_one_firing(taken, block)
        ahead = self.line.reach([step])
        if self.standing and not any(each.element in ahead for each in taken):
            raise self._no(step, f"从环节{self._named(step)}走不到现在的环节，它不在前面。")
        choices = _choices(closed, step)
        depth, chosen = self._depth(step, scope, closed, choices)
        inner = closed[depth] if depth < len(closed) else None
        edit = Edit(step, chosen, inner.start if inner else step, self.side, choices, [])
        edit.reasons += self._why(step, closed)
        edit.withdrawn = [each.row for each in taken]
        for each in closed[:depth]:
            own = each.branch_of(step)
            edit.arrivals += [
                (each.join, other.arrives_from) for other in each.branches if other is not own and each.join
            ]
        self._side_lines(edit, taken)
        return edit

    def target(self, step: str, withdraw: bool = False) -> ReturnTarget | None:
        """The step as a target, or None when it is none."""
        try:
            edit = self.edit(step, AUTO, withdraw)
        except ReturnImpossible:
            return None
        rounds = self.net.rounds[step]
        return ReturnTarget(step, self.version.steps[step].name, rounds, edit.choices, tuple(edit.reasons))

    # -- what may be returned to ---------------------------------------------------------------------

    def _may(self, step: str, withdraw: bool) -> None:
        known = self.version.steps.get(step)
        if known is None:
            raise ReturnImpossible((f"流程图中没有环节 {step}。",), element=step)
        if any(each.element == step for each in self.standing):
            raise self._no(step, f"环节{self._named(step)}正在办理中，不需要退回。")
        if not self._passed(step):
            raise self._no(step, f"环节{self._named(step)}还没有办过，不能退回到它。")
        if step not in self.line.after:
            where = (
                "旁支上的环节，只能在该旁支内退回" if not self.side else "主线上的环节，旁支不能退回到主线"
            )
            raise self._no(step, f"环节{self._named(step)}是{where}。")
        if self.row is not None and not withdraw:
            allowed = self.version.steps[self.row.task_spec.name].return_to
            if step not in allowed and "*" not in allowed:
                raise self._no(step, self._allowed(allowed))

    def _allowed(self, allowed: Iterable[str]) -> str:
        here = self._named(self.row.task_spec.name if self.row is not None else "")
        names = [self._named(each) for each in allowed if each in self.version.steps]
        if not names:
            return f"环节{here}不允许退回。"
        return f"环节{here}只允许退回到：{'、'.join(names)}。"

    def _passed(self, step: str) -> bool:
        """Entered, and left otherwise than by a return: completed, or ended by an interrupting event."""
        if not self.net.rounds.get(step):
            return False
        return step in self.net.outcomes or any(
            timer.interrupting and timer.step == step for timer in self.version.timers.values()
        )

    # -- where the target lies -----------------------------------------------------------------------

    def _entry(self, step: str) -> tuple[Block | None, Branch | None, list[Block]]:
        """The innermost open block with its branch, and the blocks that must be entered anew below it."""
        around = [block for block in self.line.around(step) if block.start != step]
        found: tuple[Block | None, Branch | None] = (None, None)
        closed = around
        for place, block in enumerate(around):
            if block.proper and any(block is other for each in self.standing for other, _ in each.chain):
                found = block, block.branch_of(step)
                closed = around[place + 1 :]
        return *found, closed

    def _of_one_firing(self, taken: list[Standing], block: Block | None) -> list[Standing]:
        """A side line may be walked by several firings at once: only the one of this task goes back."""
        own = next(each for each in self.standing if each.row is self.row)
        depth = (
            0 if block is None else 1 + [each for each, _ in own.chain].index(block) if own in taken else 0
        )
        if own in taken and len(own.chain) == depth:
            return [own]
        chains = [each.chain for each in taken]
        if any(one == other[: len(one)] for one, other in permutations(chains, 2)):
            raise ReturnImpossible(
                ("同一个定时事件的几次旁支正在同时办理，分不清该撤回哪一次的待办，请先办完其中一次。",),
                ref=own.row.ref,
            )
        return taken

    def _depth(self, step: str, scope: str, closed: list[Block], choices: tuple[str, ...]) -> tuple[int, str]:
        """How many of the closed blocks are entered below their start; the scope that is."""
        kind, _, start = scope.partition(":")
        if kind not in (AUTO, BRANCH, BLOCK):
            raise self._no(step, f"没有“{scope}”这种退回范围。")
        if not closed:
            if start:
                raise self._no(step, f"环节{self._named(step)}不在从 {start} 开始的并行部分内。")
            return 0, "step"
        chosen = choices[0] if kind == AUTO else scope
        if chosen not in choices:
            raise self._no(step, *self._why(step, closed))
        if chosen == BRANCH:
            return len(closed), chosen
        if start:
            return [each.start for each in closed].index(start), chosen
        return _deepest_start(closed), chosen

    def _why(self, step: str, closed: list[Block]) -> list[str]:
        if not closed:
            return []
        broken = next((each for each in closed if not each.proper), None)
        if broken is not None:
            return [
                f"环节{self._named(step)}所在的并行部分没有成对地分开、汇合，不能单独退回到其中一步，"
                f"只能从它的起点{self._named(broken.start)}重新开始。"
            ]
        return [
            f"环节{self._named(step)}所在的并行部分已经汇合："
            "可以只重办它这一支，其余各支算作已办；也可以整个并行部分重办。"
        ]

    # -- what hangs beside ---------------------------------------------------------------------------

    def _side_lines(self, edit: Edit, taken: list[Standing]) -> None:
        again = {edit.target, *(each.element for each in taken)}
        again |= self.line.between(edit.at, again)
        below = f"{self.side}/" if self.side else ""
        told: dict[str, bool] = {}
        for row in self.net.tokens():
            if not row.side.startswith(below) or row.side == self.side or hangs_on_a_step(row):
                continue
            timer = self.version.timers.get(row.side.removeprefix(below).partition("/")[0])
            if timer is None or timer.step not in again:
                continue
            ends = timer.on_return == END
            told[timer.name] = ends
            if ends:
                edit.withdrawn.append(row)
        edit.reasons += [
            f"“{name}”引出的旁支{'一并撤回' if ends else '继续办理，不受退回影响'}。"
            for name, ends in told.items()
        ]

    def _named(self, element: str) -> str:
        step = self.version.steps.get(element)
        name = step.name if step is not None else self.version.spec.task_specs[element].bpmn_name
        return f"“{name or element}”({element})"

    def _no(self, step: str, *reasons: str) -> ReturnImpossible:
        return ReturnImpossible(reasons, element=step, ref=None if self.row is None else self.row.ref)


def chain_of(line: Line, row: Row, element: str = "", source: str = "") -> Chain:
    """The blocks a row stands in, outermost first, each with its branch. An arrival still stands in the block
    it waits to leave. `element` and `source`: as if it stood there, or had come from there.
    """
    name = element or row.task_spec.name
    chain = [(block, block.branch_of(name)) for block in line.around(name)]
    if is_arrival(row):
        arriving = source or row.internal_data["v"]
        chain += [(block, block.branch_arriving(arriving)) for block in line.blocks if block.join == name]
    return tuple(chain)


def is_arrival(row: Row) -> bool:
    """Whether a row waits at a join for others."""
    return isinstance(row.task_spec, Parallel) and row._state == WAITING


def branches(net: Net, version: Version) -> dict[str, str | None]:
    """Open task's ref → the flow that begins the innermost branch it stands in, None outside of branches."""
    found = {}
    for row in net.tokens():
        line = lines_of(version).of_side(row.side)
        if isinstance(row.task_spec, UserTask) and line is not None:
            around = [block.branch_of(row.task_spec.name) for block in line.around(row.task_spec.name)]
            found[row.ref] = next((each.flow for each in reversed(around) if each is not None), None)
    return found


def _task(net: Net, ref: str | None) -> Row | None:
    if ref is None:
        return None
    try:
        row: Row | None = net.tasks.get(int(ref, 36))
    except (ValueError, TypeError):
        row = None
    if row is None or row._state != READY or not isinstance(row.task_spec, UserTask):
        raise ReturnImpossible(("该环节已不在待办中。",), ref=ref)
    return row


def hangs_on_a_step(row: Row) -> bool:
    """Whether a row is an event of an open step: it goes where its step goes."""
    return isinstance(row.task_spec, TimerEvent) and row.parent.task_spec.holds_events


def _stands_in(each: Standing, block: Block | None, branch: Branch | None) -> bool:
    return block is None or any(b is block and way is branch for b, way in each.chain)


def _deepest_start(closed: list[Block]) -> int:
    """The innermost closed block whose start can be entered: nothing below an improper one can."""
    return next((place for place, each in enumerate(closed) if not each.proper), len(closed) - 1)


def _choices(closed: list[Block], step: str) -> tuple[str, ...]:
    if not closed:
        return ()
    last = _deepest_start(closed)
    outer = tuple(f"{BLOCK}:{each.start}" for each in reversed(closed[:last]))
    return (*((BRANCH,) if closed[last].proper else ()), BLOCK, *outer)
