"""Walks a scenario: the same services people use, on the current database, with the clock moved."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import bundles
from app.cases import filing, firing
from app.cases.commands import NewCase
from app.cases.models import incidents, tasks
from app.clocks import calendars
from app.clocks.models import timers
from app.core import clock, dialects
from app.core.clock import OFFSET
from app.core.config import settings
from app.core.db import Session, reading, system_state, transaction
from app.core.errors import Problem
from app.engine import durations
from app.engine.durations import length
from app.engine.errors import EngineError
from app.processes import scenario_cases
from app.processes import scenario_messages as messages
from app.processes.acts import Doing, codes
from app.processes.every_act import ACTS
from app.processes.expectations import CHECKS
from app.processes.request_acts import with_files
from app.processes.scenario_file import ENVELOPE, Scenario, Step, about
from app.processes.stage import (
    Row,
    Story,
    Unmet,
    Walk,
    case_of,
    code_of,
    last_seq,
    task_rows_of,
    tiers_reached,
    timers_since,
)
from app.processes.wording import element, refused, stopped, worded


class ScenarioFailed(Exception):
    """场景没有走通。

    `line` is the step's line in the file, `zh` says what was expected and what was there, `story` what
    had happened until then.
    """

    def __init__(self, story: Story, step: Step, number: int, zh: str) -> None:
        self.zh = f"{story.scenario.file} 第 {number} 步（第 {step.line} 行，{step.kind}）：{zh}"
        self.line = step.line
        self.story = story
        super().__init__(self.zh)


def run(scenario: Scenario, version_id: str) -> Story:
    """Walks one scenario with a published version that is the latest of its key. Raises ScenarioFailed.

    Moves the clock of the current database: refused in production.
    """
    if settings().profile == "production":
        raise clock.ClockFixed
    walk = Walk(scenario, Story(scenario), version_id, bundles.get(version_id))
    set_clock(scenario.at)
    with messages.listening():
        for number, step in enumerate(scenario.steps, 1):
            try:
                take(walk, step)
            except Unmet as unmet:
                raise ScenarioFailed(walk.story, step, number, str(unmet)) from None
            except Problem as problem:
                told = f"被拒绝：{worded(problem, walk.bundle)}"
                raise ScenarioFailed(walk.story, step, number, told) from problem
            except EngineError as error:  # nobody's request, so no incident: a message failed
                told = f"流程配置出错。原因：{element(error.element, walk.bundle)}{error.message}"
                raise ScenarioFailed(walk.story, step, number, told) from error
    return walk.story


def take(walk: Walk, step: Step) -> None:
    """One step of a scenario. Raises Unmet, Problem, EngineError."""
    with walk.about(about(step)):
        _ACTS[step.kind](walk, step.given)


# — the steps —


def _start(walk: Walk, given: Row) -> None:
    if "schedule" in given:
        _start_by_calendar(walk, given["schedule"])
        return
    actor = walk.actor(given["by"])
    form = given["form"]
    envelope = {name: form[name] for name in ENVELOPE if name in form}
    answers = {
        name: scenario_cases.numbered(walk, value) for name, value in form.items() if name not in ENVELOPE
    }
    bundle = filing.current(given["process"]) if "process" in given else walk.bundle
    if "place_unit" in envelope:
        envelope["place_unit"] = code_of(envelope["place_unit"])
    if "reporter" in envelope:
        envelope["reporter"] = walk.actor(envelope["reporter"]).login
    if "received_at" in envelope:
        envelope["received_at"] = datetime.fromisoformat(envelope["received_at"])
    envelope.setdefault("title", walk.scenario.name)
    form = bundle.forms.get(bundle.engine.start_form or "")
    answers = dict(with_files(actor, codes(answers, form), form))
    moved = filing.file_case(actor, NewCase(process=bundle.key, answers=answers, **envelope))
    messages.filed(walk, moved, bundle)
    case = case_of(walk)
    walk.say(f"{actor.name} 登记“{case['title']}”（{case['number']}）")


def _start_by_calendar(walk: Walk, name: str) -> None:
    start = next(each for each in walk.bundle.process.schedules if each.name == name)
    with reading() as session:
        at = start.last(clock.now(session))
    moved = filing.file_scheduled(start, at, walk.scenario.file)  # each walk its own period
    messages.filed(walk, moved, walk.bundle)
    case = case_of(walk)
    walk.say(f"到了日子，登记“{case['title']}”（{case['number']}）")


def _act(verb: str) -> Callable[[Walk, Row], None]:
    """The step of a verb that has one of its own."""
    return lambda walk, given: _do(walk, {**given, "verb": verb})


def _do(walk: Walk, given: Row) -> None:
    doing = _doing(walk, given, _open_tasks if ACTS[given["verb"]].of == "task" else _done_tasks)
    did = ACTS[given["verb"]].run(doing)
    walk.say(f"{_signed(doing)} {did}")


def _signed(doing: Doing) -> str:
    """Who did it, as the task says where it was in somebody else's name: 甲（代乙）."""
    mine = (tasks.c.id == doing.task.get("id"), tasks.c.hand_id == doing.actor.id)
    with reading() as session:
        return session.scalar(select(tasks.c.signature).where(*mine)) or doing.actor.name


def _refused(walk: Walk, given: Row) -> None:
    act, wanted = ACTS[given["verb"]], given["problem"]
    doing = _doing(walk, given, _any_tasks)
    what = f"“{doing.task['name']}”" if doing.task else ""
    try:
        act.run(doing)
    except Problem as problem:
        if wanted != problem.slug and wanted not in {error.code for error in problem.errors}:
            raise Unmet(f"应当因 {wanted} 被拒绝，实际是：{worded(problem, walk.bundle)}") from None
        walk.say(f"{doing.actor.name} 想{act.says}{what}，被拒绝：{refused(problem, walk.bundle)}")
        return
    raise Unmet(f"{doing.actor.name} {act.says}{what}应当因 {wanted} 被拒绝，却办成了。")


def _doing(walk: Walk, given: Row, tasks_of: Callable[[Walk, str], list[Row]]) -> Doing:
    """The task is the newest of that step; where several do a step, the newest that lies before them."""
    actor = walk.actor(given["as"])
    if "answers" in given:
        given = {**given, "answers": scenario_cases.numbered(walk, given["answers"])}
    task: Row = {}
    if ACTS[given["verb"]].of != "case":
        found = tasks_of(walk, given["step"])
        own = [row for row in found if row["assignee_id"] == actor.id]
        mine = [row for row in found if actor.pools & set(row["pools"]) and row["assignee_id"] is None]
        near = [row for row in found if actor.pools & set(row["pools"])]
        task = (own or mine or near or found)[-1]
    return Doing(walk, actor, case_of(walk), task, given)


def _pass(walk: Walk, given: str) -> None:
    duration = durations.parse_duration(given)
    with reading() as session:
        now, calendar = clock.now(session), calendars.in_force(session)
    _forward(walk, durations.add(now, duration, calendar.is_workday))
    walk.say(f"…… 过了 {length(duration)}")


def _at(walk: Walk, given: str) -> None:
    target = datetime.fromisoformat(given)
    with reading() as session:
        if target < clock.now(session):
            raise Unmet(f"时钟不能往回拨到 {given}。")
    _forward(walk, target)
    walk.say("…… 到了这一刻")


def _note(walk: Walk, given: str) -> None:
    walk.story.lines.append(f"             〔{given}〕")


def _expect(walk: Walk, given: Row) -> None:
    case = case_of(walk)
    for name, check in CHECKS.items():
        if name in given:
            check(walk, case, given[name])


_ACTS: Mapping[str, Callable[[Walk, Any], None]] = {
    "start": _start,
    "filed": scenario_cases.expect_filed,
    "claim": _act("claim"),
    "complete": _act("complete"),
    "do": _do,
    "message": messages.bring,
    "external": messages.hand_in,
    "partner": messages.expect_sent,
    "refused": _refused,
    "pass": _pass,
    "at": _at,
    "note": _note,
    "expect": _expect,
}

# — what the steps are made of —


NOT_OVER = ("open", "claimed", "waiting", "suspended")
"""Tasks that somebody may do something with, if only take them back."""


def _open_tasks(walk: Walk, step: str) -> list[Row]:
    case_of(walk)
    opened = [row for row in task_rows_of(walk) if row["state"] in NOT_OVER]
    found = [row for row in opened if row["where"] == step]
    if not found:
        names = "、".join(row["where"] for row in opened) or "（没有）"
        raise Unmet(f"没有打开的待办 {step}，打开着的有 {names}。")
    return found


def _any_tasks(walk: Walk, step: str) -> list[Row]:
    case_of(walk)
    found = [row for row in task_rows_of(walk) if row["where"] == step]
    if not found:
        raise Unmet(f"从没有打开过待办 {step}。")
    return [row for row in found if row["state"] in NOT_OVER] or found


def _done_tasks(walk: Walk, step: str) -> list[Row]:
    case_of(walk)
    found = [row for row in task_rows_of(walk) if (row["where"], row["state"]) == (step, "done")]
    if not found:
        raise Unmet(f"还没有人办完过 {step}。")
    return found


def _forward(walk: Walk, target: datetime) -> None:
    """Moves to `target` by way of every due time before it, so that things happen when they are due."""
    while True:
        with reading() as session:
            query = select(func.min(timers.c.due_at)).where(
                timers.c.state == "armed", timers.c.due_at <= target
            )
            due = session.scalar(query)
            now = clock.now(session)
        if due is None:
            break
        if due > now:
            set_clock(due)
        _fire(walk)
    with reading() as session:
        now = clock.now(session)
    if target > now:
        set_clock(target)


def _fire(walk: Walk) -> None:
    """Fires what is due now and tells it; what fails is tried again as a worker would, up to its incident."""
    with ExitStack() as telling:
        for name in reversed(walk.cases):
            telling.enter_context(_told(walk, name))
        if not firing.fire_due() and _due_now():  # else a worker beside this walk was faster
            set_clock(_next_attempt())
            firing.fire_due()


@contextmanager
def _told(walk: Walk, name: str) -> Iterator[None]:
    """Tells what fires for one of the walk's cases meanwhile. Raises Unmet when a timer of it failed."""
    with walk.about(name):
        tiers = tiers_reached(walk)
        seen, before = last_seq(walk), {row["id"]: row["state"] for row in task_rows_of(walk)}
    yield
    with walk.about(name):
        for told in timers_since(walk, seen) + tiers_reached(walk)[len(tiers) :]:
            walk.say(told)
        for row in task_rows_of(walk):
            if row["state"] == "cancelled" and before.get(row["id"]) not in (None, "cancelled"):
                walk.say(f"“{row['name']}”由系统收回")
    with reading() as session:
        query = select(incidents.c.number).where(
            incidents.c.case_id == walk.cases[name],
            incidents.c.kind == "timer-failed",
            incidents.c.state == "open",
        )
        number = session.scalar(query)
    if number is not None:
        raise Unmet(f"到期的定时没有办成。{stopped(number, walk.bundle)}")


def _due_now() -> bool:
    with reading() as session:
        due = timers.c.state.in_(("armed", "claimed")) & (timers.c.due_at <= clock.now(session))
        return session.scalar(select(timers.c.id).where(due).limit(1)) is not None


def _next_attempt() -> datetime:
    """When a timer that failed may be tried again."""
    with reading() as session:
        query = select(func.min(timers.c.lease_until)).where(timers.c.state.in_(("armed", "claimed")))
        at: datetime | None = session.scalar(query)
        now = clock.now(session)
    if at is None or at < now:
        raise Unmet("有到期的定时没有触发，请看流程异常。")
    return at + timedelta(milliseconds=1)


def set_clock(at: datetime) -> None:
    """Puts this database's clock to an instant, backwards too: a scenario lives in its own time."""
    with transaction() as session:
        set_offset(session, at - clock.raw_now(session))


def set_offset(session: Session, offset: timedelta) -> None:
    """How far the database's clock is to be ahead of (or behind) the real one."""
    statement = dialects.upsert(session.dialect, system_state, ("name",))
    session.execute(statement, {"name": OFFSET, "value": str(offset.total_seconds())})
