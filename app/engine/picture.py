"""What the engine answers with: who must act, what is awaited until when, has it ended. Frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.engine.decisions import Hit

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """One way to finish a step; `demands_opinion` is the mark in `驳回!`."""

    name: str
    demands_opinion: bool = False


@dataclass(frozen=True)
class HumanTask:
    """One open human task; `ref` stays the same as long as it is open and is never used again.

    `round` counts how often this case entered the step, from 1. `item` and `index` tell signers of
    one step apart and are None elsewhere; an index is never given twice in one round. `candidates` are
    assignment rules such as `role(reviewer)@street`. `clock` names the clocks that measure the step.
    `within` are the call activities round it, outermost first: `step` is then a step of the called process.
    `whole` is the ref of what is done once for each item, the same for all items, and another one the next
    time the case comes there.
    """

    ref: str
    step: str
    name: str
    lane: str | None
    item: str | int | float | None
    index: int | None
    round: int
    form: str | None
    candidates: tuple[str, ...]
    assignee: str | None
    outcomes: tuple[Outcome, ...]
    status: str | None
    clock: tuple[str, ...]
    priority: int
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)
    within: tuple[str, ...] = ()
    whole: str | None = None


@dataclass(frozen=True)
class Wait:
    """Something awaited: `kind` timer, message, signal, condition, job or external.

    A message's or signal's `name` is what it is called in the diagram (a message's key in messages.yaml), a
    job's its handler, external work's its topic; what else waits is named by its label. A timer has `due_at`
    (aware, UTC), or `bound` = (clock, tier or None) and no `due_at`: then that clock knows. `missed` says
    how many periods of a cycle its last firing swallowed beyond the one that was due. `step_ref` is the task
    or sub-process it hangs on, of a step with several signers the whole of it; `interrupting` is None for
    what hangs on none. Waits behind one event-based gateway share a `group`: the first to come ends the
    others.
    """

    ref: str
    kind: str
    name: str
    element: str
    due_at: datetime | None = None
    interrupting: bool | None = None
    group: str | None = None
    bound: tuple[str, str | None] | None = None
    missed: int = 0
    step_ref: str | None = None
    within: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thrown:
    """A message, a signal, or an escalation that nobody awaited; `caught` counts the catchers of this case.

    It is told once, by the settle that follows the throw, and not kept in the state.
    """

    kind: str
    name: str
    element: str
    caught: int = 0


@dataclass(frozen=True)
class Passed:
    """One element passed since the load: `branch` is the flow a gateway chose, `missed` as in `Wait`.

    A step with several signers is told once for each, with the signer's `index`, and once as a whole, with
    `passed`, `rejected` or `undecided` for an outcome; so is a repeated sub-process, without outcome. `rules`
    are the rules of decision tables by which a business rule task was decided.
    The flows an inclusive gateway chose stand in `branch` with commas between.
    """

    element: str
    ref: str
    at: datetime
    outcome: str | None = None
    branch: str | None = None
    missed: int = 0
    index: int | None = None
    rules: "tuple[Hit, ...]" = ()
    within: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The element with the call activities round it: `check/visit`."""
        return "/".join((*self.within, self.element))


@dataclass(frozen=True)
class Picture:
    """A case at rest. `status` is the status text of the newest open step, or event waited at in the line, of
    the main line that has one, None when there is none (the case keeps its last). `end_element` is set once
    the case has ended.
    """

    tasks: tuple[HumanTask, ...]
    waits: tuple[Wait, ...]
    thrown: tuple[Thrown, ...]
    ended: bool
    end_element: str | None
    status: str | None
    active: tuple[str, ...]

    @property
    def placed(self) -> "Picture":
        """The same with steps and elements named as a case has them, the calls round them before."""
        if not (any(each.within for each in self.tasks) or any(each.within for each in self.waits)):
            return self
        tasks = tuple(replace(each, step="/".join((*each.within, each.step))) for each in self.tasks)
        waits = tuple(replace(each, element="/".join((*each.within, each.element))) for each in self.waits)
        return replace(self, tasks=tasks, waits=waits)

    def task(self, step: str) -> HumanTask:
        """The newest open task of a step. Raises KeyError."""
        for task in reversed(self.tasks):
            if task.step == step:
                return task
        raise KeyError(step)

    def due(self, now: datetime) -> tuple[str, ...]:
        """Refs of the timers due at `now`, earliest first; a timer is due at its instant, not after it."""
        ready = [w for w in self.waits if w.kind == "timer" and w.due_at is not None and w.due_at <= now]
        return tuple(w.ref for w in sorted(ready, key=lambda w: (w.due_at, int(w.ref, 36))))
