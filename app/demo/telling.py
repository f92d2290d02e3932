"""One case told on a terminal: who did what and when, what was written, what the clocks said; plain text."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select

from app import bundles
from app.bundles import Bundle
from app.cases import timeline
from app.cases.models import cases, tasks
from app.cases.sentences import minutes
from app.clocks.models import clock_ledger, clocks
from app.core.clock import BEIJING
from app.core.db import reading
from app.identity.actor import SYSTEM
from app.identity.models import people, roles, units

Row = Mapping[str, Any]

WEEKDAYS = "一二三四五六日"
COLUMN = 14
"""Width of the column of names, in letters; a Chinese one takes two."""
LONGEST = 60
UNTOLD = ("wait.opened", "message.thrown")
"""What a story leaves out: that a case may hear of something, and what its sending tells already."""


def tell(case_id: str) -> Iterator[str]:
    """The story of a case, day by day, from its own timeline; then how long it took."""
    with reading() as session:
        case = dict(session.execute(select(cases).where(cases.c.id == case_id)).mappings().one())
        done = {
            row["id"]: dict(row)
            for row in session.execute(select(tasks).where(tasks.c.case_id == case_id)).mappings()
        }
        names = {row.code: row.name for row in session.execute(select(units.c.code, units.c.name))}
        called = {row.key: row.name for row in session.execute(select(roles.c.key, roles.c.name))}
        desks = {each.partition(":")[2] for row in done.values() for each in row["pools"] if ":" in each}
        query = select(people.c.id, people.c.name).where(people.c.id.in_(desks))
        called |= {f"person:{row.id}": row.name for row in session.execute(query)}
        running = [
            dict(row)
            for row in session.execute(
                select(clocks).where(clocks.c.case_id == case_id).order_by(clocks.c.started_at, clocks.c.id)
            ).mappings()
        ]
        tiers = session.execute(
            select(clock_ledger.c.at, clock_ledger.c.detail)
            .where(clock_ledger.c.case_id == case_id, clock_ledger.c.entry == "tier_reached")
            .order_by(clock_ledger.c.at, clock_ledger.c.id)
        ).all()
    bundle = bundles.get(case["version_id"])
    words = _Words(bundle, names, called)
    told = [*_steps(case_id, done, words), *((t.at, "时钟", [f"到档：{t.detail['label']}"]) for t in tiers)]
    yield from _head(case, words)
    for day, steps in groupby(
        sorted(told, key=lambda each: each[0]), key=lambda each: each[0].astimezone(BEIJING).date()
    ):
        yield ""
        yield f"{day:%Y-%m-%d} 星期{WEEKDAYS[day.weekday()]}"
        for at, who, lines in steps:
            yield from _step(at, who, lines)
    yield ""
    yield from _ending(case, done.values(), running, bundle)


def _head(case: Row, words: "_Words") -> Iterator[str]:
    yield f"{words.bundle.process.name} {case['number']}  {case['title']}"
    content = str(case["data"].get("content") or "")
    if content:
        yield content
    place = words.units.get(case["place_unit"], case["place_unit"])
    outside = f"，来源编号 {case['external_no']}" if case["external_no"] else ""
    yield f"所在单位 {place}，收到 {_minute(case['received_at'])}{outside}"


def _steps(
    case_id: str, done: Mapping[str, Row], words: "_Words"
) -> Iterator[tuple[datetime, str, list[str]]]:
    after = 0
    while page := timeline.of(SYSTEM, case_id, after=after):
        for row in page:
            events = (event for event in row["events"] if event["name"] not in UNTOLD)
            lines = list(dict.fromkeys(line for event in events for line in _lines(event, done, words)))
            yield datetime.fromisoformat(row["at"]), str(row["actor"]), lines
        after = page[-1]["seq"]


def _lines(event: Row, done: Mapping[str, Row], words: "_Words") -> Iterator[str]:
    opened = event["name"].startswith("task.")
    pools = [words.pool(each) for each in (event.get("pools") or () if opened else ())]
    yield str(event["text"]) + (f"，等 {'、'.join(pools)}" if pools else "")
    if event["name"] == "task.done":
        answers = (done.get(event["task"]) or {}).get("answers") or {}
        written = [
            f"{words.label(name)} {words.value(name, value)}"
            for name, value in answers.items()
            if value is not None
        ]
        if written:
            yield f"  填写：{'；'.join(written)}"


class _Words:
    """Codes of units, roles and names, as people call them."""

    def __init__(self, bundle: Bundle, units: Mapping[str, str], roles: Mapping[str, str]) -> None:
        self.bundle, self.units, self.roles = bundle, units, roles

    def pool(self, name: str) -> str:
        role, _, path = name.partition("@")
        code = path.rsplit("/", 1)[-1]  # nothing for the desk of one person
        return f"{self.units.get(code, code)}{self.roles.get(role, role)}"

    def label(self, name: str) -> str:
        field = self.bundle.process.data.get(name)
        return field.label if field is not None else name

    def value(self, name: str, value: Any) -> str:
        field = self.bundle.process.data.get(name)
        kind = (field.item or field.type) if field is not None else ""
        if isinstance(value, list):
            return "、".join(self.value(name, each) for each in value)
        if isinstance(value, bool):
            return "是" if value else "否"
        if isinstance(value, dict):
            return "、".join(str(each) for each in value.values())[:LONGEST]
        text = self.units.get(value, value) if kind == "unit" else value
        text = minutes(text) if kind == "datetime" else text
        return f"{str(text)[:LONGEST]}……" if len(str(text)) > LONGEST else str(text)


def _step(at: datetime, who: str, lines: Iterable[str]) -> Iterator[str]:
    before = f"  {at.astimezone(BEIJING):%H:%M}  {who}{' ' * max(1, COLUMN - width(who))}"
    for line in lines:
        yield before + line
        before = " " * (9 + COLUMN)


def _ending(case: Row, done: Iterable[Row], running: Iterable[Row], bundle: Bundle) -> Iterator[str]:
    finished = [row for row in done if row["state"] == "done"]
    people = len({row["done_by"] for row in finished})
    how = f"办了 {len(finished)} 步，经手 {people} 人。"
    if case["state"] == "closed":
        took = length(case["closed_at"] - case["received_at"])
        yield f"{case['status'] or '已办结'}，共用 {took}，{how}"
    else:
        yield f"现在是“{case['status']}”，{how}"
    for clock in running:
        called = bundle.sla.clocks.get(clock["name"])
        name = called.label if called is not None else clock["name"]
        if clock["stopped_at"] is None:
            due = f"，到期 {_minute(clock['due_at'])}" if clock["due_at"] else ""
            yield f"“{name}”在走{due}。"
        else:
            late = clock["due_at"] is not None and clock["stopped_at"] > clock["due_at"]
            verdict = f"，超期 {length(clock['stopped_at'] - clock['due_at'])}" if late else "，没有超期"
            yield f"“{name}”走了 {length(clock['stopped_at'] - clock['started_at'])}{verdict}。"


def length(span: timedelta) -> str:
    """`1 天 6 小时`: the two largest parts that are not zero."""
    whole = round(span.total_seconds() / 60)
    parts = ((whole // 1440, "天"), (whole // 60 % 24, "小时"), (whole % 60, "分钟"))
    said = [f"{number} {word}" for number, word in parts if number]
    return " ".join(said[:2]) or "不到一分钟"


def width(text: str) -> int:
    """Columns of a terminal: letters of East Asia take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _minute(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M}"
