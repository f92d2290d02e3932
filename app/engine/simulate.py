"""A case played in memory: the same Run, a virtual clock, answers from a script. Nothing is written anywhere.

The same version, walk, clock and answers always give the same report, to the byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.engine.durations import DurationRefused, add, parse_duration, parse_when
from app.engine.errors import EngineError, ReturnImpossible, SimulationRefused
from app.engine.picture import HumanTask, Passed, Picture, Thrown, Wait
from app.engine.run import DELIVERED, Run
from app.engine.sim_report import Mismatch, SimReport, Stay, Turn, steps_done
from app.engine.sim_world import Clock, Handlers, World
from app.engine.version import Version
from app.engine.walk import (
    At,
    Cancel,
    Claim,
    Complete,
    Deliver,
    Expect,
    Move,
    Pass,
    Play,
    Return,
    Start,
    Walk,
)

TO_DO, TIMER = 1, 0  # of two things at one instant, what comes by itself is first


@dataclass(frozen=True)
class Answer:
    """How somebody finishes a step: after `takes` (ISO duration; None: at once), with what in the form.

    An `outcome` of None is the step's first. `back`: the step is returned to that step instead.
    """

    outcome: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    takes: str | None = None
    back: str | None = None
    scope: str = "auto"


Answers = Mapping[str, "Answer | Sequence[Answer]"]


def simulate(
    version: Version,
    walk: Walk | Iterable[Move],
    clock: Clock,
    answers: Answers | None = None,
    handlers: Handlers | None = None,
) -> SimReport:
    """Plays a walk and tells what happened; it never raises for what the diagram or the walk does wrong:
    the report's `error` says it, and the walk stops there.

    `answers` are used by `Play`: step → an Answer for every time, or a list for the first, second … time;
    key `*` is for every other step. A step without one stays open. `handlers` stand in for service tasks.
    Raises SimulationRefused when the clock's start has no offset.
    """
    if clock.start.tzinfo is None:
        raise SimulationRefused("（开始时间没有时区）")
    moves = walk.moves if isinstance(walk, Walk) else tuple(walk)
    stage = _Stage(version, clock, answers or {}, handlers or {})
    place = 0
    try:
        first = moves[0] if moves and isinstance(moves[0], Start) else Start()
        stage.begin(first)
        for place, move in enumerate(moves, 1):
            if move is not first:
                stage.play(place, move)
    except EngineError as error:
        stage.fail(place, error)
    except DurationRefused as error:
        stage.fail(place, SimulationRefused(f"（{error.zh}）"))
    return stage.report(walk.skipped if isinstance(walk, Walk) else ())


class _Stage:
    """One case being played."""

    def __init__(self, version: Version, clock: Clock, answers: Answers, handlers: Handlers) -> None:
        self.version, self.answers = version, answers
        self.world = World(clock, handlers)
        self.run: Run | None = None
        self.picture: Picture | None = None
        self.state = b""
        self.used: dict[str, int] = {}
        self.claimed: set[str] = set()
        self.path: list[Passed] = []
        self.thrown: list[Thrown] = []
        self.seen = 0
        self.turns: dict[str, Turn] = {}
        self.stays: dict[str, Stay] = {}
        self.mismatches: list[Mismatch] = []
        self.error: Mismatch | None = None
        self.status: str | None = None

    def begin(self, first: Start) -> None:
        """The case is filed."""
        self.world.write(dict(first.data))
        self.world.happened("case.received")
        self.run = Run.new(self.version, self.world, first.start)
        self._rest()

    def play(self, place: int, move: Move) -> None:
        """One move. Raises EngineError, DurationRefused."""
        if isinstance(move, Complete):
            self._complete(self._open_task(move.step, move.item), move.outcome, move.answers)
        elif isinstance(move, Claim):
            self._claim(self._open_task(move.step))
        elif isinstance(move, Deliver):
            self._deliver(move)
        elif isinstance(move, Return):
            ref = None if move.start is None else self._open_task(move.start).ref
            self._awake().return_to(move.step, ref, move.scope, withdraw=move.withdraw)
            self._rest(returned=True)
        elif isinstance(move, Pass):
            self._pass_until(self._later(self.world.now, move.duration))
        elif isinstance(move, At):
            if move.instant < self.world.now:
                raise SimulationRefused("（时间不能倒退）")
            self._pass_until(move.instant.astimezone(UTC))
        elif isinstance(move, Cancel):
            self._awake().cancel()
            self._rest()
        elif isinstance(move, Play):
            self._go_on(move)
        elif isinstance(move, Expect):
            self._expect(place, move)
        else:
            raise SimulationRefused("（办件已经开始）")

    def fail(self, place: int, error: EngineError) -> None:
        """The walk ends here; the case stays as it was at rest last."""
        why = "".join(error.reasons) if isinstance(error, ReturnImpossible) else error.message
        self.error = Mismatch(place, why, error.element, error.rule)

    def report(self, skipped: tuple[str, ...]) -> SimReport:
        """What happened."""
        picture = self.picture
        return SimReport(
            key=self.version.key,
            version=self.version.version,
            started=self.world.clock.start.astimezone(UTC),
            at=self.world.now,
            ended=picture is not None and picture.ended,
            end_element=picture.end_element if picture else None,
            status=self.status if picture else None,
            path=tuple(self.path),
            tasks=tuple(self.turns.values()),
            waits=tuple(self.stays.values()),
            thrown=tuple(self.thrown),
            sent=tuple((name, dict(said)) for name, said in self.world.sent),
            data=dict(self.world.values),
            mismatches=tuple(self.mismatches),
            error=self.error,
            skipped=skipped,
            state=self.state,
        )

    # -- acting --------------------------------------------------------------------------------------

    def _awake(self) -> Run:
        assert self.run is not None
        return self.run

    def _claim(self, task: HumanTask) -> None:
        if task.ref not in self.claimed:
            self.claimed.add(task.ref)
            self.world.happened(f"task.claimed({task.step})")

    def _complete(self, task: HumanTask, outcome: str | None, answers: Mapping[str, Any]) -> None:
        self.world.write(dict(answers))
        self._claim(task)
        self._awake().complete(task.ref, outcome)
        self.world.happened(f"task.done({task.step})")
        self.world.happened(self.version.inside(task.within).steps[task.step].event)
        self._rest(done={task.ref: outcome or task.outcomes[0].name})

    def _deliver(self, move: Deliver) -> None:
        assert self.picture is not None
        waiting = [wait for wait in self.picture.waits if wait.kind in DELIVERED and wait.name == move.name]
        if not waiting:
            raise SimulationRefused(f"（办件没有在等 {move.name}）")
        self.world.write(dict(move.data))
        self._awake().deliver(waiting[0].ref)
        self._rest(fired=[waiting[0].ref])

    def _rest(
        self, done: Mapping[str, str] | None = None, fired: Iterable[str] = (), returned: bool = False
    ) -> None:
        run, now = self._awake(), self.world.now
        picture = run.settle()
        self.state, self.picture = run.dump(), picture
        self.status = picture.status or self.status
        self.path += run.trace[self.seen :]
        self.seen = len(run.trace)
        self.thrown += picture.thrown
        self._left(picture, done or {}, returned)
        for task in picture.tasks:
            if task.ref not in self.turns:
                self.turns[task.ref] = Turn(task.ref, task.step, task.name, task.round, now, item=task.item)
                self.world.happened(f"task.opened({task.step})")
        if picture.ended:
            end = self.version.ends.get(picture.end_element or "")
            self.world.happened(end.event if end is not None else None)
            self.world.happened("case.closed")
        self._watch(picture, set(fired))

    def _left(self, picture: Picture, done: Mapping[str, str], returned: bool) -> None:
        gone = sum(turn.left is not None for turn in self.turns.values())
        still = {task.ref for task in picture.tasks}
        for ref, turn in self.turns.items():
            if turn.left is None and ref not in still:
                how = "done" if ref in done else "returned" if returned else "ended"
                gone += 1
                self.turns[ref] = turn.closed(self.world.now, how, done.get(ref), gone)
                if how != "done":
                    self.world.happened(f"task.{'returned' if returned else 'cancelled'}({turn.step})")

    def _watch(self, picture: Picture, fired: set[str]) -> None:
        now, waiting = self.world.now, {wait.ref: wait for wait in picture.waits}
        for ref, wait in waiting.items():
            old = self.stays.get(ref)
            since, count = (now, 0) if old is None else (old.since, old.fired + (ref in fired))
            self.stays[ref] = Stay(ref, wait.element, wait.name, wait.kind, since, self._due(wait), count)
        for ref, stay in self.stays.items():
            if ref not in waiting and stay.left is None:
                self.stays[ref] = stay.closed(now, ref in fired)

    def _due(self, wait: Wait) -> datetime | None:
        """When a wait is due; a timer bound to a clock asks that clock, whatever it says today."""
        if wait.bound is None:
            return wait.due_at
        clock, tier = wait.bound
        ask = self.world.functions.get("due" if tier is None else "tier")
        said = ask(*(each for each in (clock, tier) if each is not None)) if ask is not None else None
        found = parse_when(said) if isinstance(said, str) else None
        return found if isinstance(found, datetime) else None

    # -- time ----------------------------------------------------------------------------------------

    def _later(self, since: datetime, duration: str | None) -> datetime:
        return since if duration is None else add(since, parse_duration(duration), self.world.is_workday)

    def _timers(self) -> list[tuple[datetime, int, int, str]]:
        """What comes by itself: timers when they are due, jobs at once."""
        assert self.picture is not None
        now, found = self.world.now, []
        for wait in self.picture.waits:
            at = now if wait.kind == "job" else self._due(wait) if wait.kind == "timer" else None
            if at is not None:
                found.append((max(at, now), TIMER, int(wait.ref, 36), wait.ref))
        return found

    def _pass_until(self, instant: datetime) -> None:
        for _ in range(Play().most):
            soonest = min(self._timers(), default=None)
            if soonest is None or soonest[0] > instant:
                self.world.now = instant
                return
            self._fire(soonest)
        raise SimulationRefused("（定时器触发超过 1000 次）")

    def _fire(self, soonest: tuple[datetime, int, int, str]) -> None:
        assert self.picture is not None
        self.world.now, ref = soonest[0], soonest[3]
        if any(wait.ref == ref and wait.kind == "job" for wait in self.picture.waits):
            self._awake().deliver(ref)
        else:
            self._awake().fire_timers([ref])
        self._rest(fired=[ref])

    def _go_on(self, move: Play) -> None:
        assert self.picture is not None
        until = self._later(self.world.now, move.longest)
        for _ in range(move.most):
            to_do = [
                (max(self.world.now, self._later(self.turns[task.ref].opened, answer.takes)), task, answer)
                for task in self.picture.tasks
                if (answer := self._answer(task.step)) is not None
            ]
            events = [(at, TO_DO, int(task.ref, 36), task.ref) for at, task, _ in to_do]
            soonest = min([*events, *self._timers()], default=None)
            if soonest is None or soonest[0] > until:
                return
            if soonest[1] == TIMER:
                self._fire(soonest)
                continue
            self.world.now = soonest[0]
            self._act(*next((task, answer) for _, task, answer in to_do if task.ref == soonest[3]))
        raise SimulationRefused(f"（超过 {move.most} 步仍未走完）")

    def _answer(self, step: str) -> Answer | None:
        said = self.answers.get(step, self.answers.get("*"))
        if said is None or isinstance(said, Answer):
            return said
        used = self.used.get(step, 0)
        return said[used] if used < len(said) else None

    def _act(self, task: HumanTask, answer: Answer) -> None:
        self.used[task.step] = self.used.get(task.step, 0) + 1
        if answer.back is None:
            self._complete(task, answer.outcome or task.outcomes[0].name, answer.data)
            return
        self.world.write(dict(answer.data))
        self._awake().return_to(answer.back, task.ref, answer.scope)
        self._rest(returned=True)

    # -- looking -------------------------------------------------------------------------------------

    def _open_task(self, step: str, item: Any = None) -> HumanTask:
        assert self.picture is not None
        found = [task for task in self.picture.tasks if task.step == step and item in (None, task.item)]
        if not found:
            open_now = "、".join(task.step for task in self.picture.tasks) or "无"
            raise SimulationRefused(f"（待办中没有环节 {step}，现在的待办：{open_now}）")
        return found[-1]

    def _expect(self, place: int, move: Expect) -> None:
        assert self.picture is not None
        done = steps_done(self.turns.values())
        tasks = tuple(sorted(task.step for task in self.picture.tasks))
        wanted = None if move.tasks is None else tuple(sorted(move.tasks))
        looked = [
            ("状态", move.status, self.status),
            ("待办", wanted, tasks),
            ("办结", move.ended, self.picture.ended),
            ("结束于", move.end, self.picture.end_element),
            ("办过的环节", move.log, done),
        ]
        looked += [(f"数据 {name}", value, self.world.values.get(name)) for name, value in move.data.items()]
        for what, said, found in looked:
            if said is not None and said != found:
                self.mismatches.append(Mismatch(place, f"{what}应为{_said(said)}，实际为{_said(found)}。"))


def _said(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "、".join(str(each) for each in value) or "无"
    if value is None or isinstance(value, bool):
        return {True: "是", False: "否", None: "无"}[value]
    return str(value)
