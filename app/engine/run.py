"""One case, awake between load and dump: it acts on the rows, lets them settle, and tells what it sees."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.engine import position, returns, shape, standing, state
from app.engine.describe import describe
from app.engine.env import Env
from app.engine.errors import (
    EndDisputed,
    EngineError,
    FuseBlown,
    NoSuchOutcome,
    NoSuchStart,
    NotOpen,
    NotSettled,
    NotWaiting,
    ReturnImpossible,
    RunSpoiled,
    Stuck,
    TimerDidNotMove,
)
from app.engine.fuse import Fuse
from app.engine.nodes import UserTask
from app.engine.picture import Passed, Picture
from app.engine.services import ServiceTask, params_of
from app.engine.shape import READY, WAITING, Net, Row, path
from app.engine.trace import Trace
from app.engine.version import Service, Version
from app.engine.viewpoint import Viewpoint

DELIVERED = ("message", "signal", "job", "external")


class Run:
    """A case awake. It belongs to one thread; after any exception it is spoiled and cannot be dumped.

    `view` is what its expressions see.
    """

    def __init__(self, version: Version, env: Env, counter: int = 0) -> None:
        """Use `Run.new` or `Run.load`."""
        self.version = version
        self.env = env
        self._net = Net(version.spec, env, counter)
        self.view = self._net.view = Viewpoint(self._net, env)
        self._trace = self._net.trace = Trace(env)
        self._phase = state.OPEN
        self._settled = False
        self._spoiled = False

    @classmethod
    def new(cls, version: Version, env: Env, start: str | None = None) -> "Run":
        """The first token on the plain start, or on the start event named. Raises NoSuchStart."""
        if start is None:
            start = next((each for each in version.starts if each not in version.start_messages), "")
        if start not in version.starts:
            raise NoSuchStart(f"（{start or '没有普通的启动事件，须指明消息启动'}）", element=start or None)
        run = cls(version, env)
        with run._acting():
            run._net.start(start)
        return run

    @classmethod
    def load(cls, state_bytes: bytes, version: Version, env: Env) -> "Run":
        """Wakes a case; no expression is evaluated. Raises StateUnreadable, WrongVersion."""
        run = cls(version, env)
        run._phase = state.load(state_bytes, version.version, run._net)
        run._settled = True
        return run

    def complete(self, ref: str, outcome: str | None = None) -> None:
        """A person finished a task; an only outcome need not be named. Raises NotOpen, NoSuchOutcome."""
        with self._acting():
            row, number = self._open_task(ref)
            step = row.task_spec.step
            chosen = step.outcome(outcome)
            if chosen is None:
                known = "、".join(each.name for each in step.outcomes)
                raise NoSuchOutcome(f"“{step.name}”的办理结果有：{known}。", element=step.id, ref=ref)
            self.view.moved = row.within + step.id
            row.task_spec.act(row, number, chosen.name)

    def add_instance(self, ref: str, item: Any, where: str = "beside") -> None:
        """加签: one more signer of the step this task belongs to, `beside`, `before` or `after` it.

        One after the other, `before` takes this task back; it comes again under a new ref. The new task is
        in the Picture. Raises NotOpen (also for a step of one person), TooMany, ListRefused.
        """
        with self._acting():
            row, number = self._signing(ref)
            row.task_spec.add(row, number, item, where)

    def drop_instance(self, ref: str) -> None:
        """减签: this signer is asked no more; the step is over if that decides it. Raises NotOpen."""
        with self._acting():
            row, number = self._signing(ref)
            self.view.moved = row.within + row.task_spec.name
            row.task_spec.drop(row, number)

    def reopen_vote(self, ref: str, index: int) -> None:
        """The signer of this index takes his vote back and may act again, under a new ref.

        `ref` is any open task of the step. Raises NotOpen, also when that signer has not voted.
        """
        with self._acting():
            row, _ = self._signing(ref)
            row.task_spec.reopen(row, index)

    def signers(self, ref: str) -> list[tuple[int, Any]]:
        """Who is on the list of the step this task belongs to, as (index, item) in the order of signing: who
        has voted, who may, and whose turn comes later. Raises NotOpen.
        """
        row, _ = self._signing(ref)
        signers: list[tuple[int, Any]] = row.task_spec.signers(row)
        return signers

    def deliver(self, ref: str, results: Mapping[str, Any] | None = None) -> None:
        """Exactly this has happened: a message or signal came, a job runs now, work outside gave `results`.

        Raises NotWaiting, HandlerFailed (a result that the diagram names is missing).
        """
        with self._acting():
            row = self._row(ref)
            if row is None or row._state != WAITING or row.task_spec.awaits not in DELIVERED:
                raise NotWaiting(ref=ref)
            self.view.moved = row.within + (row.task_spec.drawn.step or "")
            row.task_spec.deliver(row, results)

    def fail(self, ref: str, code: str) -> None:
        """The work outside ended with this error code. Raises NotWaiting, ErrorUncaught."""
        with self._acting():
            row = self._row(ref)
            if row is None or row._state != WAITING or row.task_spec.awaits != "external":
                raise NotWaiting(ref=ref)
            self.view.moved = row.within + (row.task_spec.drawn.step or "")
            with self._placing(row):
                row.task_spec.fail(row, code)

    def skip(self, ref: str) -> None:
        """Somebody decided to go on without this job, work outside, or event in the line: it gives nothing.

        Raises NotWaiting, also for what hangs on a step or an event-based gateway: that is another way.
        """
        with self._acting():
            row = self._row(ref)
            if row is None or row._state != WAITING or not row.task_spec.awaits or row.task_spec.hangs:
                raise NotWaiting(ref=ref)
            self.view.moved = row.within + (row.task_spec.drawn.step or "")
            row.task_spec.skip(row)

    def params_of(self, ref: str) -> dict[str, Any]:
        """What a waiting job or external work is to be given now. Raises NotWaiting, ExpressionFailed."""
        row = self._row(ref)
        if row is None or row._state != WAITING or not isinstance(row.task_spec, ServiceTask):
            raise NotWaiting(ref=ref)
        return params_of(row)

    def service_at(self, ref: str) -> Service:
        """The service task whose job or work outside waits here, as drawn. Raises NotWaiting."""
        row = self._row(ref)
        if row is None or row._state != WAITING or not isinstance(row.task_spec, ServiceTask):
            raise NotWaiting(ref=ref)
        return row.task_spec.drawn

    def fire_timers(self, refs: Iterable[str]) -> list[str]:
        """Fires these, in order, and returns what fired: an earlier one may have ended a later one's step.

        The caller has compared due times with now. Raises TimerDidNotMove if one was not waiting beforehand.
        """
        with self._acting():
            wanted: list[tuple[str, Row]] = []
            for ref in refs:
                row = self._row(ref)
                if row is None or row._state != WAITING or row.task_spec.awaits != "timer":
                    raise TimerDidNotMove(ref=ref)
                wanted.append((ref, row))
            fired = []
            for ref, row in wanted:
                if row._state == WAITING:
                    self.view.moved = row.within + row.task_spec.drawn.step
                    row.task_spec.fire(row)
                    fired.append(ref)
            return fired

    def return_targets(
        self, ref: str | None = None, withdraw: bool = False
    ) -> tuple[returns.ReturnTarget, ...]:
        """The steps this task may go back to, in the diagram's order; without `ref`, those a case whose main
        line has ended may be reopened at. `withdraw`: the step's `returnTo` does not count.

        A step counts as passed when it was entered and has since been left. Raises NotSettled, and
        ReturnImpossible when there is no such open task.
        """
        if not self._settled:
            raise NotSettled
        if self._phase == state.CANCELLED_BY_HAND:
            return ()
        here = position.Position(self._net, self.version, ref)
        found = (here.target(step, withdraw) for step in here.steps())
        return tuple(target for target in found if target is not None)

    def return_to(
        self,
        step: str,
        ref: str | None = None,
        scope: str = position.AUTO,
        dry_run: bool = False,
        *,
        withdraw: bool = False,
    ) -> returns.ReturnPlan:
        """Goes back from an open task (退回, 撤回), or reopens an ended case (no `ref`), and settles.

        `scope` is auto, branch, block or block:<start>, as `choices` of the target says; without a choice
        the first three mean the same. `dry_run` changes nothing and tells the same. Raises ReturnImpossible,
        and what `settle` raises.
        """
        before = self.settle()
        if dry_run:
            copy = Run.load(self.dump(), self.version, returns.Untouchable(self.env))
            return copy.return_to(step, ref, scope, withdraw=withdraw)
        told = standing.branches(self._net, self.version)
        with self._acting():
            if self._phase == state.CANCELLED_BY_HAND:
                raise ReturnImpossible(("办件已经终止，不能重新打开。",), element=step)
            edit = position.Position(self._net, self.version, ref).edit(step, scope, withdraw)
            returns.apply(self._net, edit)
            self._phase = state.OPEN
        after = self.settle()
        # The caller's own settle() has yet to hear of them.
        self._trace.thrown = [*before.thrown, *after.thrown]
        return returns.told(edit, before, after, {**told, **standing.branches(self._net, self.version)})

    def cancel(self) -> None:
        """Terminates the case: no token and no timer survives."""
        with self._acting():
            self._net.withdraw_all()
            self._net.completed = True
            self._net.end_element = None  # a branch may have reached one: that is not how the case ended
            self._phase = state.CANCELLED_BY_HAND

    def settle(self) -> Picture:
        """Runs to rest, brings the rows to normal form, and tells what there is.

        Raises FuseBlown, ExpressionFailed, HandlerFailed, NoMatch, Stuck, EndDisputed.
        """
        with self._acting():
            if self._phase == state.OPEN:
                with self._placing():
                    self._run_to_rest()
                if not self._net.tokens():
                    self._end()
                else:
                    shape.bring_to_rest(self._net)
                    if len(self._net.tasks) > shape.MAX_ROWS:
                        raise FuseBlown("rows")
            thrown, ended = self._trace.take_thrown(), self._phase != state.OPEN
            with self._placing():
                picture = describe(self._net, self.version, ended, thrown, self.view.value_for)
            if not (picture.ended or picture.tasks or picture.waits):
                raise Stuck(f"（停在 {'、'.join(picture.active)}）", element=picture.active[0])
        self._settled = True
        return picture

    def dump(self) -> bytes:
        """The case as bytes, only after `settle()`. Raises NotSettled, RunSpoiled."""
        if self._spoiled:
            raise RunSpoiled
        if not self._settled:
            raise NotSettled
        return state.dump(self._net, self.version.version, self._phase)

    def waiting(self) -> dict[str, str]:
        """What waits for the world outside: ref → message, signal, job or external."""
        return {
            row.ref: row.task_spec.awaits
            for row in self._net.tasks.values()
            if row._state == WAITING and row.task_spec.awaits in DELIVERED
        }

    def waiting_at(self, element: str) -> list[str]:
        """The refs of what waits at this element, the calls round it before its name, oldest first."""
        within, _, name = element.rpartition("/")
        waiting = [row for row in self._net.tasks.values() if row._state == WAITING]
        return [
            each.ref for each in waiting if each.task_spec.name == name and "/".join(path(each)) == within
        ]

    @property
    def finished(self) -> bool:
        """Whether no token is left, by looking at every row. Raises EndDisputed if the library disagrees."""
        empty = not self._net.tokens()
        if empty != self._net.completed:
            raise EndDisputed
        return empty

    @property
    def trace(self) -> list[Passed]:
        """Every element passed since the load, in order."""
        return self._trace.passed

    @property
    def rounds(self) -> Mapping[str, int]:
        """Step → how often this case has entered it."""
        return dict(self._net.rounds)

    @property
    def outcomes(self) -> Mapping[str, str]:
        """Step → the outcome it had last in this case, unless a return took it back."""
        return {step: outcome for step, outcome in self._net.outcomes.items() if outcome}

    # -- what happens inside -------------------------------------------------------------------------

    @contextmanager
    def _acting(self) -> Iterator[None]:
        if self._spoiled:
            raise RunSpoiled
        self._settled = False
        try:
            yield
        except EngineError:
            self._spoiled = True
            raise
        except Exception as error:  # whatever it is, the caller must roll back and see the cause
            self._spoiled = True
            raise EngineError(f"（{type(error).__name__}）") from error

    @contextmanager
    def _placing(self, row: Row | None = None) -> Iterator[None]:
        """What fails inside a called process says so: the calls round it come before its element's name."""
        net = self._net
        net.at = row
        try:
            yield
        except EngineError as error:
            if error.element is not None:
                error.element = "/".join((*net.calls_round(), error.element))
            raise

    def _run_to_rest(self) -> None:
        net, fuse = self._net, Fuse()
        while True:
            if net.agenda:
                row = net.agenda.popleft()
                if row._state == READY:
                    net.at = row
                    fuse.burn(row)
                    row.run()
                continue
            moved = self._look_round()
            if moved is not None:
                fuse.burn(moved)
                continue
            if net.last_end is None or net.completed or net.tokens():
                return
            net.last_end._ready()
            net.last_end = None

    def _look_round(self) -> Row | None:
        """Asks what waits for the case to stand still. Returns the row that moved, None when none did."""
        asked: list[Row] = [
            row for row in self._net.tasks.values() if row._state == WAITING and row.task_spec.rank
        ]
        if not asked:
            return None
        for row in sorted(asked, key=lambda row: row.task_spec.rank):
            self._net.at = row
            if row.task_spec.look(row):
                return row
        return None

    def _end(self) -> None:
        if not self._net.completed:
            raise EndDisputed
        self._net.withdraw_all()
        self._phase = state.ENDED

    def _row(self, ref: str) -> Row | None:
        try:
            row: Row | None = self._net.tasks.get(int(ref, 36))
        except (ValueError, TypeError):
            return None
        return row

    def _open_task(self, ref: str) -> tuple[Row, int]:
        """The row of an open task, and the task's own number. Raises NotOpen."""
        row = self._row(ref)
        if row is None:
            return self._signing(ref)
        if row._state != READY or not isinstance(row.task_spec, UserTask) or row.task_spec.has_signers:
            raise NotOpen(ref=ref)
        return row, row.id

    def _signing(self, ref: str) -> tuple[Row, int]:
        """The row that this signer acts on together with others, and his own number. Raises NotOpen."""
        try:
            number = int(ref, 36)
        except (ValueError, TypeError):
            raise NotOpen(ref=ref) from None
        row = self._net.signing(number)
        if row is not None:
            return row, number
        raise NotOpen(ref=ref)
