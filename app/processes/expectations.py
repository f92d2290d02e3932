"""What `expect` of a scenario may say, and how each word is held against the case as it is."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.cases.motion import COLUMNS
from app.clocks.models import clocks, timers
from app.clocks.rows import STATES
from app.core import clock
from app.core.clock import BEIJING
from app.core.db import reading
from app.identity import org
from app.identity.models import people
from app.notices.models import notices
from app.notices.rules import CLOCK, PASSED
from app.processes.scenario_cases import NOWHERE
from app.processes.stage import Row, Unmet, Walk, code_of, task_rows_of


def _status(walk: Walk, case: Row, wanted: str) -> None:
    if case["status"] != wanted:
        raise Unmet(f"状态应为“{wanted}”，实际是“{case['status']}”。")


def _tasks(walk: Walk, case: Row, wanted: list[str]) -> None:
    opened = [row for row in task_rows_of(walk) if row["state"] in ("open", "claimed")]
    actual = [(row["where"], _places(row)) for row in opened]
    shown = [f"{step}@{'、'.join(dict.fromkeys(places.values()))}" for step, places in actual]
    left = list(actual)
    for each in wanted:
        step, _, place = each.partition("@")
        match = next((row for row in left if row[0] == step and (not place or place in row[1])), None)
        if match is None:
            raise Unmet(f"应有待办 {each}，实际有 {'，'.join(shown) or '（没有）'}。")
        left.remove(match)
    if left:
        raise Unmet(f"只应有待办 {'，'.join(wanted) or '（没有）'}，实际有 {'，'.join(shown)}。")


def _clocks(walk: Walk, case: Row, wanted: Mapping[str, str]) -> None:
    with reading() as session:
        query = (
            select(clocks).where(clocks.c.case_id == case["id"]).order_by(clocks.c.started_at, clocks.c.id)
        )
        newest = {row["name"]: row for row in session.execute(query).mappings()}
    for name, due in wanted.items():
        row = newest.get(name)
        if row is None:
            raise Unmet(f"时钟 {name} 还没有起算。")
        if due in STATES:
            if row["state"] != due:
                raise Unmet(f"时钟 {name} 应为 {due}，实际是 {row['state']}。")
            continue
        if row["due_at"] is None:
            raise Unmet(f"时钟 {name} 应到 {due} 到期，实际没有到期时刻（{row['state']}）。")
        # the walk itself takes a moment of the real clock between its steps
        late = row["due_at"] - datetime.fromisoformat(due)
        if not timedelta(0) <= late < timedelta(minutes=1):
            raise Unmet(
                f"时钟 {name} 应到 {due} 到期，实际是 {row['due_at'].astimezone(BEIJING).isoformat()}。"
            )


def _tiers(walk: Walk, case: Row, wanted: list[str]) -> None:
    with reading() as session:
        query = (
            select(clocks.c.name, timers.c.tier)
            .join(clocks, clocks.c.id == timers.c.clock_id)
            .where(timers.c.case_id == case["id"], timers.c.kind == "flag", timers.c.state == "fired")
        )
        reached = {f"{row.name}.{row.tier}" for row in session.execute(query)}
    if reached != set(wanted):
        raise Unmet(
            f"到达的档应为 {'、'.join(wanted) or '（没有）'}，"
            f"实际是 {'、'.join(sorted(reached)) or '（没有）'}。"
        )


def _told(walk: Walk, case: Row, wanted: list[str]) -> None:
    """Everybody who was told of a tier of this case by now, by name, and nobody else."""
    with reading() as session:
        query = (
            select(people.c.name, people.c.login)
            .distinct()
            .join(notices, notices.c.person_id == people.c.id)
            .where(
                notices.c.case_id == case["id"],
                notices.c.kind.in_((CLOCK, PASSED)),
                notices.c.tell_at <= clock.now(session),
            )
        )
        found = session.execute(query).all()
    actual = {row.name for row in found}
    names = {row.login: row.name for row in found}
    if actual != {names.get(each, each) for each in wanted}:
        raise Unmet(
            f"收到时限提醒的应为 {'、'.join(wanted) or '（没有人）'}，"
            f"实际是 {'、'.join(sorted(actual)) or '（没有人）'}。"
        )


def _ended(walk: Walk, case: Row, wanted: bool) -> None:
    if (case["state"] == "closed") != wanted:
        raise Unmet("办件应已结束，实际还没有。" if wanted else "办件不应结束，实际已经结束。")


def _end(walk: Walk, case: Row, wanted: str) -> None:
    if case["end_element"] != wanted:
        raise Unmet(f"应停在结束事件 {wanted}，实际是 {case['end_element'] or '（未结束）'}。")


def _log(walk: Walk, case: Row, wanted: list[str]) -> None:
    done = [
        row
        for row in task_rows_of(walk)
        if row["state"] == "done" and row["case_id"] == case["id"] and row["part"] is None
    ]
    done.sort(key=lambda row: (row["closed_at"], row["id"]))
    actual = [row["where"] for row in done]
    if actual != wanted:
        raise Unmet(f"办完的环节应为 {' → '.join(wanted)}，实际是 {' → '.join(actual) or '（没有）'}。")


def _data(walk: Walk, case: Row, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        held = case if name in COLUMNS else case["data"]
        actual, field_ = held.get(name), walk.bundle.process.data.get(name)
        expected = (
            code_of(value) if field_ is not None and field_.type == "unit" and value is not None else value
        )
        if actual != expected:
            raise Unmet(f"数据 {name} 应为“{value}”，实际是“{actual}”。")


def _merged(walk: Walk, case: Row, wanted: str) -> None:
    into = case["merged_into"]
    if into != (None if wanted == NOWHERE else walk.cases[wanted]):
        names = [name for name, case_id in walk.cases.items() if case_id == into]
        raise Unmet(f"应并入“{wanted}”，实际并入 {names[0] if names else '（没有并入）'}。")


CHECKS: Mapping[str, Callable[[Walk, Row, Any], None]] = {
    "status": _status,
    "tasks": _tasks,
    "clocks": _clocks,
    "tiers": _tiers,
    "told": _told,
    "ended": _ended,
    "end": _end,
    "log": _log,
    "data": _data,
    "merged": _merged,
}


def _places(row: Row) -> dict[str, str]:
    """Everything `step@…` may say of a task, code or name of its pools' units and its person → the name."""
    names: dict[str, str] = {}
    with reading() as session:
        for pool in row["pools"]:
            if pool.startswith("person:"):
                name = org.name_of(session, pool.removeprefix("person:"))
                names[name] = name
            elif (unit := org.unit_at(session, pool.partition("@")[2])) is not None:
                names[unit.name] = names[unit.code] = unit.name
        if row["assignee_id"]:
            name = org.name_of(session, row["assignee_id"])
            names[name] = name
    return names
