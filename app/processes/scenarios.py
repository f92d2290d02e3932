"""Walks a scenario: the same services people use, on the current database, with the clock moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from app import bundles
from app.bundles.bundle import Bundle
from app.bundles.forms import Form
from app.cases import filing, firing, tasks
from app.cases.commands import NewCase
from app.cases.models import cases as case_rows
from app.cases.models import tasks as task_rows
from app.clocks.models import clocks, timers
from app.core import clock, dialects
from app.core.clock import BEIJING, OFFSET
from app.core.config import settings
from app.core.db import Session, reading, system_state, transaction
from app.core.errors import Problem
from app.engine import durations
from app.identity import login, org
from app.identity.actor import Actor
from app.identity.models import people
from app.processes.scenario_file import ENVELOPE, VERBS, Scenario, Step

Row = Mapping[str, Any]


class ScenarioFailed(Exception):
    """场景没有走通。

    `line` is the step's line in the file, `zh` says what was expected and what was there.
    """

    def __init__(self, scenario: Scenario, step: Step | None, number: int, zh: str) -> None:
        where = f"第 {number} 步（第 {step.line} 行，{step.kind}）" if step is not None else "开始之前"
        self.zh = f"{scenario.file} {where}：{zh}"
        self.line = step.line if step is not None else None
        super().__init__(self.zh)


@dataclass
class Story:
    """What a walk did, line by line, and the case it made."""

    scenario: Scenario
    lines: list[str] = field(default_factory=list)
    case_id: str | None = None


@dataclass
class _Walk:
    scenario: Scenario
    story: Story
    version: str
    bundle: Bundle
    units: dict[str, str] = field(default_factory=dict)

    def actor(self, who: str) -> Actor:
        with reading() as session:
            query = select(people.c.id).where(or_(people.c.login == who, people.c.name == who))
            person = session.execute(query).scalar()
            if person is None:
                raise _Unmet(f"机构里没有“{who}”；请先装入 bpmn/_org.yaml。")
            return login.actor_by_id(session, person)

    def say(self, text: str) -> None:
        with reading() as session:
            now = clock.now(session).astimezone(BEIJING)
        self.story.lines.append(f"{now:%m-%d %H:%M}  {text}")


class _Unmet(Exception):
    """What a step found instead of what it wanted."""


def run(scenario: Scenario, version_id: str) -> Story:
    """Walks one scenario with a published version that is the latest of its key. Raises ScenarioFailed.

    Moves the clock of the current database: refused in production.
    """
    if settings().profile == "production":
        raise clock.ClockFixed
    walk = _Walk(scenario, Story(scenario), version_id, bundles.get(version_id))
    _set_clock(scenario.at)
    for number, step in enumerate(scenario.steps, 1):
        try:
            _ACTS[step.kind](walk, step.given)
        except _Unmet as unmet:
            raise ScenarioFailed(scenario, step, number, str(unmet)) from None
        except Problem as problem:
            raise ScenarioFailed(scenario, step, number, f"被拒绝：{worded(problem)}") from problem
    return walk.story


def worded(problem: Problem) -> str:
    """A problem in one Chinese sentence, with its slug and what it says about fields."""
    fields = "".join(f"；{error.pointer} {error.message}（{error.code}）" for error in problem.errors)
    return f"{problem.detail or problem.title}（{problem.slug}）{fields}"


# — the steps —


def _start(walk: _Walk, given: Row) -> None:
    if walk.story.case_id is not None:
        raise _Unmet("一个场景只登记一件。")
    actor = walk.actor(given["by"])
    form = given["form"]
    envelope = {name: form[name] for name in ENVELOPE if name in form}
    answers = {name: value for name, value in form.items() if name not in ENVELOPE}
    start_form = walk.bundle.engine.start_form
    if "place_unit" in envelope:
        envelope["place_unit"] = _code(envelope["place_unit"])
    if "received_at" in envelope:
        envelope["received_at"] = datetime.fromisoformat(envelope["received_at"])
    envelope.setdefault("title", walk.scenario.name)
    answers = _codes(answers, walk.bundle.forms.get(start_form or ""))
    moved = filing.file_case(actor, NewCase(process=walk.bundle.key, answers=answers, **envelope))
    if not isinstance(moved, filing.Moved):
        raise _Unmet("登记没有得到办件。")
    walk.story.case_id = moved.case["id"]
    if moved.case["version_id"] != walk.version:
        raise _Unmet("登记时已有更新的流程版本，场景没有走在要走的版本上。")
    walk.say(f"{actor.name} 登记“{moved.case['title']}”（{moved.case['number']}）")


def _claim(walk: _Walk, given: Row) -> None:
    actor, task = walk.actor(given["as"]), _open_task(walk, given["step"])
    tasks.claim(actor, task["id"])
    walk.say(f"{actor.name} 签收“{task['name']}”")


def _complete(walk: _Walk, given: Row) -> None:
    actor, task = walk.actor(given["as"]), _open_task(walk, given["step"])
    outcome = _finish(walk, actor, task, given)
    opinion = f"，意见：{given['opinion']}" if given.get("opinion") else ""
    walk.say(f"{actor.name} 办理“{task['name']}” → {outcome}{opinion}")


def _do(walk: _Walk, given: Row) -> None:
    actor, task = walk.actor(given["as"]), _open_task(walk, given["step"])
    tasks.unclaim(actor, task["id"], given.get("reason", ""), task["revision"])
    walk.say(f"{actor.name} 把“{task['name']}”退回待办池：{given.get('reason', '')}")


def _refused(walk: _Walk, given: Row) -> None:
    actor, wanted = walk.actor(given["as"]), given["problem"]
    task = _any_task(walk, given["step"])
    attempts: dict[str, Callable[[], Any]] = {
        "claim": lambda: tasks.claim(actor, task["id"]),
        "complete": lambda: _finish(walk, actor, task, given),
        "unclaim": lambda: tasks.unclaim(actor, task["id"], given.get("reason", ""), task["revision"]),
    }
    verb = VERBS[given["verb"]]
    try:
        attempts[given["verb"]]()
    except Problem as problem:
        if wanted != problem.slug and wanted not in {error.code for error in problem.errors}:
            raise _Unmet(f"应当因 {wanted} 被拒绝，实际是：{worded(problem)}") from None
        walk.say(f"{actor.name} 想{verb}“{task['name']}”，被拒绝：{problem.detail or problem.title}")
        return
    raise _Unmet(f"{actor.name} {verb}“{task['name']}”应当因 {wanted} 被拒绝，却办成了。")


def _pass(walk: _Walk, given: str) -> None:
    with reading() as session:
        now = clock.now(session)
    _forward(walk, durations.add(now, durations.parse_duration(given), lambda day: True))
    walk.say(f"…… 过了 {given}")


def _at(walk: _Walk, given: str) -> None:
    target = datetime.fromisoformat(given)
    with reading() as session:
        if target < clock.now(session):
            raise _Unmet(f"时钟不能往回拨到 {given}。")
    _forward(walk, target)
    walk.say("…… 到了这一刻")


def _note(walk: _Walk, given: str) -> None:
    walk.story.lines.append(f"             〔{given}〕")


def _expect(walk: _Walk, given: Row) -> None:
    case = _case(walk)
    for name, check in _EXPECTATIONS.items():
        if name in given:
            check(walk, case, given[name])


_ACTS: Mapping[str, Callable[[_Walk, Any], None]] = {
    "start": _start,
    "claim": _claim,
    "complete": _complete,
    "do": _do,
    "refused": _refused,
    "pass": _pass,
    "at": _at,
    "note": _note,
    "expect": _expect,
}

# — what is expected —


def _status(walk: _Walk, case: Row, wanted: str) -> None:
    if case["status"] != wanted:
        raise _Unmet(f"状态应为“{wanted}”，实际是“{case['status']}”。")


def _tasks(walk: _Walk, case: Row, wanted: list[str]) -> None:
    actual = [(row["step"], _places(row)) for row in _rows(walk) if row["state"] in ("open", "claimed")]
    shown = [f"{step}@{'、'.join(places)}" for step, places in actual]
    left = list(actual)
    for each in wanted:
        step, _, place = each.partition("@")
        match = next((row for row in left if row[0] == step and (not place or place in row[1])), None)
        if match is None:
            raise _Unmet(f"应有待办 {each}，实际有 {'，'.join(shown) or '（没有）'}。")
        left.remove(match)
    if left:
        raise _Unmet(f"只应有待办 {'，'.join(wanted) or '（没有）'}，实际有 {'，'.join(shown)}。")


def _clocks(walk: _Walk, case: Row, wanted: Mapping[str, str]) -> None:
    with reading() as session:
        query = select(clocks).where(clocks.c.case_id == case["id"]).order_by(clocks.c.started_at, clocks.c.id)
        newest = {row["name"]: row for row in session.execute(query).mappings()}
    for name, due in wanted.items():
        row = newest.get(name)
        if row is None:
            raise _Unmet(f"时钟 {name} 还没有起算。")
        if due in ("running", "stopped"):
            if row["state"] != due:
                raise _Unmet(f"时钟 {name} 应为 {due}，实际是 {row['state']}。")
            continue
        # the walk itself takes a moment of the real clock between its steps
        late = row["due_at"] - datetime.fromisoformat(due)
        if not timedelta(0) <= late < timedelta(minutes=1):
            raise _Unmet(f"时钟 {name} 应到 {due} 到期，实际是 {row['due_at'].astimezone(BEIJING).isoformat()}。")


def _tiers(walk: _Walk, case: Row, wanted: list[str]) -> None:
    with reading() as session:
        query = (
            select(clocks.c.name, timers.c.tier)
            .join(clocks, clocks.c.id == timers.c.clock_id)
            .where(timers.c.case_id == case["id"], timers.c.kind == "flag", timers.c.state == "fired")
        )
        reached = {f"{row.name}.{row.tier}" for row in session.execute(query)}
    if reached != set(wanted):
        raise _Unmet(f"到达的档应为 {'、'.join(wanted) or '（没有）'}，实际是 {'、'.join(sorted(reached)) or '（没有）'}。")


def _ended(walk: _Walk, case: Row, wanted: bool) -> None:
    if (case["state"] == "closed") != wanted:
        raise _Unmet("办件应已结束，实际还没有。" if wanted else "办件不应结束，实际已经结束。")


def _end(walk: _Walk, case: Row, wanted: str) -> None:
    if case["end_element"] != wanted:
        raise _Unmet(f"应停在结束事件 {wanted}，实际是 {case['end_element'] or '（未结束）'}。")


def _log(walk: _Walk, case: Row, wanted: list[str]) -> None:
    done = sorted((row for row in _rows(walk) if row["state"] == "done"), key=lambda row: (row["closed_at"], row["id"]))
    actual = [row["step"] for row in done]
    if actual != wanted:
        raise _Unmet(f"办完的环节应为 {' → '.join(wanted)}，实际是 {' → '.join(actual) or '（没有）'}。")


def _data(walk: _Walk, case: Row, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        actual, field_ = case["data"].get(name), walk.bundle.process.data.get(name)
        expected = _code(value) if field_ is not None and field_.type == "unit" and value is not None else value
        if actual != expected:
            raise _Unmet(f"数据 {name} 应为“{value}”，实际是“{actual}”。")


_EXPECTATIONS: Mapping[str, Callable[[_Walk, Row, Any], None]] = {
    "status": _status,
    "tasks": _tasks,
    "clocks": _clocks,
    "tiers": _tiers,
    "ended": _ended,
    "end": _end,
    "log": _log,
    "data": _data,
}

# — what the steps are made of —


def _finish(walk: _Walk, actor: Actor, task: Row, given: Row) -> str:
    step = walk.bundle.engine.step(task["step"])
    outcome: str = given.get("outcome") or step.outcomes[0].name
    answers = _codes(given.get("answers", {}), walk.bundle.forms.get(step.form or ""))
    tasks.complete(actor, task["id"], outcome, answers, given.get("opinion"), task["revision"])
    return outcome


def _codes(answers: Row, form: Form | None) -> dict[str, Any]:
    """Answers with unit names turned into codes: scenarios may write either."""
    units = {each.name for each in form.fields if each.asks == "unit"} if form is not None else set()
    return {
        name: ([_code(each) for each in value] if isinstance(value, list) else _code(value))
        if name in units and value is not None
        else value
        for name, value in answers.items()
    }


def _code(code_or_name: Any) -> Any:
    with reading() as session:
        unit = org.unit_named(session, str(code_or_name))
    return unit.code if unit is not None else code_or_name


def _case(walk: _Walk) -> Row:
    if walk.story.case_id is None:
        raise _Unmet("还没有登记办件。")
    with reading() as session:
        query = select(case_rows).where(case_rows.c.id == walk.story.case_id)
        return dict(session.execute(query).mappings().one())


def _rows(walk: _Walk) -> list[Row]:
    with reading() as session:
        query = (
            select(task_rows)
            .where(task_rows.c.case_id == walk.story.case_id)
            .order_by(task_rows.c.opened_at, task_rows.c.id)
        )
        return [dict(row) for row in session.execute(query).mappings()]


def _open_task(walk: _Walk, step: str) -> Row:
    _case(walk)
    opened = [row for row in _rows(walk) if row["state"] in ("open", "claimed")]
    found = [row for row in opened if row["step"] == step]
    if not found:
        raise _Unmet(f"没有打开的待办 {step}，打开着的有 {'、'.join(row['step'] for row in opened) or '（没有）'}。")
    return found[-1]


def _any_task(walk: _Walk, step: str) -> Row:
    _case(walk)
    found = [row for row in _rows(walk) if row["step"] == step]
    if not found:
        raise _Unmet(f"从没有打开过待办 {step}。")
    return found[-1]


def _places(row: Row) -> list[str]:
    """Everything `step@…` may say of a task: code and name of its pools' units, its person."""
    names: list[str] = []
    with reading() as session:
        for pool in row["pools"]:
            if pool.startswith("person:"):
                names.append(org.name_of(session, pool.removeprefix("person:")))
            elif (unit := org.unit_at(session, pool.partition("@")[2])) is not None:
                names += [unit.name, unit.code]
        if row["assignee_id"]:
            names.append(org.name_of(session, row["assignee_id"]))
    return names


def _forward(walk: _Walk, target: datetime) -> None:
    """Moves to `target` by way of every due time before it, so that things happen when they are due."""
    while True:
        with reading() as session:
            query = select(func.min(timers.c.due_at)).where(timers.c.state == "armed", timers.c.due_at <= target)
            due = session.scalar(query)
            now = clock.now(session)
        if due is None:
            break
        if due > now:
            _set_clock(due)
        before = {row["id"]: row["state"] for row in _rows(walk)}
        if not firing.fire_due():
            raise _Unmet("有到期的定时没有触发，请看流程异常。")
        for row in _rows(walk):
            if row["state"] == "cancelled" and before.get(row["id"]) not in (None, "cancelled"):
                walk.say(f"定时到期，“{row['name']}”由系统收回")
    with reading() as session:
        now = clock.now(session)
    if target > now:
        _set_clock(target)


def _set_clock(at: datetime) -> None:
    """Puts this database's clock to an instant, backwards too: a scenario lives in its own time."""
    with transaction() as session:
        set_offset(session, at - clock.raw_now(session))


def set_offset(session: Session, offset: timedelta) -> None:
    """How far the database's clock is to be ahead of (or behind) the real one."""
    statement = dialects.upsert(session.dialect, system_state, ("name",))
    session.execute(statement, {"name": OFFSET, "value": str(offset.total_seconds())})
