"""What cases and tasks can be filtered by: their own columns, declared facts, words, place, unit, overdue."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, text, tuple_

from app import bundles
from app.bundles.data_fields import DataField
from app.bundles.models import process_heads
from app.cases.assign import all_places
from app.cases.models import CASE_STATES, TASK_STATES, case_facts, cases, task_queue, tasks
from app.cases.search import index, words
from app.cases.search.conditions import (
    BEGINNING,
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    FilterRefused,
    Kind,
    condition,
    one_of,
)
from app.cases.search.index import case_search
from app.cases.secrets.table import cases_with
from app.categories.catalogue import codes_below
from app.clocks.models import clocks, timers
from app.clocks.rows import STOPPED
from app.core import dialects
from app.core.db import Session
from app.core.errors import FieldError
from app.core.http.strict_json import pointer
from app.crypto import blind
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.scopes import unit_scope

LIGHTS = ("green", "yellow", "orange", "red")
BELOW = "$below"
"""A category and everything under it."""

OPEN = text("tasks.state in ('open', 'claimed')")
"""Said as the index on open tasks says it, so that a prepared plan may use that index."""

CASE_COLUMNS: dict[str, tuple[Kind, Any]] = {
    "number": (BEGINNING, cases.c.number),
    "externalNo": (BEGINNING, cases.c.external_no),
    "process": (TEXT, cases.c.process_key),
    "source": (TEXT, cases.c.source),
    "state": (one_of(CASE_STATES), cases.c.state),
    "status": (TEXT, cases.c.status),
    "light": (one_of(LIGHTS), cases.c.light),
    "placeUnit": (TEXT, cases.c.place_unit),
    "ownerUnit": (TEXT, cases.c.owner_unit),
    "priority": (WHOLE, cases.c.priority),
    "round": (WHOLE, cases.c.round),
    "supervised": (FLAG, cases.c.supervised),
    "onHold": (FLAG, cases.c.on_hold),
    "excluded": (FLAG, cases.c.excluded),
    "receivedAt": (MOMENT, cases.c.received_at),
    "openedAt": (MOMENT, cases.c.opened_at),
    "closedAt": (MOMENT, cases.c.closed_at),
}
TASK_COLUMNS: dict[str, tuple[Kind, Any]] = {
    "step": (TEXT, tasks.c.step),
    "state": (one_of(TASK_STATES), tasks.c.state),
    "assignee": (TEXT, tasks.c.assignee_id),
    "doneBy": (TEXT, tasks.c.done_by),
    "outcome": (TEXT, tasks.c.outcome),
    "priority": (WHOLE, tasks.c.priority),
    "dueAt": (MOMENT, tasks.c.due_at),
    "openedAt": (MOMENT, tasks.c.opened_at),
    "claimedAt": (MOMENT, tasks.c.claimed_at),
    "closedAt": (MOMENT, tasks.c.closed_at),
}
ME = "me"


@dataclass
class Reading:
    """One filter being read: who asks, when, and what was wrong with it so far."""

    session: Session
    actor: Actor
    now: datetime
    errors: list[FieldError]

    def wrong(self, at: str, code: str, message: str) -> ColumnElement[bool]:
        self.errors.append(FieldError(at, code, message))
        return false()


Special = Callable[[Reading, Any, str], ColumnElement[bool]]


def case_conditions(reading: Reading, given: Mapping[str, Any], at: str = "/filter") -> list[Any]:
    """The conditions of a filter over cases, all of which must hold."""
    facts = given.get("facts")
    found = [
        _column_or_special(reading, CASE_COLUMNS, CASE_SPECIALS, name, value, at + pointer(name))
        for name, value in given.items()
        if name != "facts"
    ]
    if facts is not None:
        found += _facts(reading, facts, given.get("process"), f"{at}/facts")
    return found


def task_conditions(reading: Reading, given: Mapping[str, Any], at: str = "/filter") -> list[Any]:
    """The conditions of a filter over tasks; those under `case` are about their cases."""
    found = [
        _column_or_special(
            reading, TASK_COLUMNS, TASK_SPECIALS, name, _named(reading, name, value), at + pointer(name)
        )
        for name, value in given.items()
        if name != "case"
    ]
    about = given.get("case")
    if about is not None:
        if isinstance(about, Mapping):
            found += case_conditions(reading, about, f"{at}/case")
        else:
            reading.wrong(f"{at}/case", "value-invalid", "应为一个对象：办件的筛选条件。")
    return found


def refuse(errors: list[FieldError]) -> None:
    """Raises FilterRefused when anything was wrong."""
    if errors:
        raise FilterRefused(errors=errors)


def _named(reading: Reading, name: str, value: Any) -> Any:
    return reading.actor.id if name in ("assignee", "doneBy") and value == ME else value


def _column_or_special(
    reading: Reading,
    columns: Mapping[str, tuple[Kind, Any]],
    specials: Mapping[str, Special],
    name: str,
    value: Any,
    at: str,
) -> ColumnElement[bool]:
    if name in columns:
        kind, column = columns[name]
        return condition(kind, column, value, at, reading.errors)
    if name in specials:
        return specials[name](reading, value, at)
    names = [*columns, *specials, "facts" if specials is CASE_SPECIALS else "case"]
    return reading.wrong(at, "field-unknown", f"没有“{name[:40]}”这一项；可以用 {'、'.join(names)}。")


# — what is no column —


def _words(reading: Reading, value: Any, at: str) -> ColumnElement[bool]:
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        return reading.wrong(at, "value-invalid", "应为 1 到 100 个字的文字。")
    character = words.single(value)
    if character is not None:  # too little to look for in texts
        begun = select(case_facts.c.case_id).where(dialects.begins(case_facts.c.as_text, character))
        return cases.c.id.in_(begun)
    terms = words.terms(value)
    if not terms:
        return reading.wrong(at, "value-invalid", "没有可以检索的文字或数字。")
    few = index.few(reading.session, terms)
    if few is not None:
        return dialects.one_of(cases.c.id, few)
    return cases.c.id.in_(select(case_search.c.case_id).where(index.holds(terms)))


def _place(reading: Reading, value: Any, at: str) -> ColumnElement[bool]:
    unit = _unit(reading, value, at)
    paths = (unit.path, org.SEALED + unit.path) if unit is not None else ()
    return unit_scope(paths, cases.c.org_path)


def _pooled(reading: Reading, value: Any, at: str) -> ColumnElement[bool]:
    unit = _unit(reading, value, at)
    if unit is None:
        return false()
    return cases.c.id.in_(select(case_access.c.case_id).where(case_access.c.holder == f"unit:{unit.path}"))


def _unit(reading: Reading, value: Any, at: str) -> org.Unit | None:
    unit = org.unit_by_code(reading.session, value) if isinstance(value, str) else None
    if unit is None:
        reading.wrong(at, "unit-unknown", "没有这个代码的单位。")
    return unit


def _flag(of: Callable[[Reading], ColumnElement[bool]]) -> Special:
    def read(reading: Reading, value: Any, at: str) -> ColumnElement[bool]:
        if not isinstance(value, bool):
            return reading.wrong(at, "value-invalid", "应为 true 或 false。")
        return of(reading) if value else ~of(reading)

    return read


def _case_overdue(reading: Reading) -> ColumnElement[bool]:
    return cases.c.id.in_(select(tasks.c.case_id).where(OPEN, tasks.c.due_at < reading.now))


_TIER = re.compile(r"([a-z][a-z0-9_]{0,39})\.([a-z][a-z0-9_]{0,39})")


def _case_tier(reading: Reading, value: Any, at: str) -> ColumnElement[bool]:
    """Where a tier holds now: it was reached, its clock has not stopped, no later one of its class was."""
    named = _TIER.fullmatch(value) if isinstance(value, str) else None
    if named is None:
        return reading.wrong(at, "value-invalid", "应为 时钟.档，例如 total.m3。")
    held = (
        select(clocks.c.case_id)
        .join(timers, timers.c.key == clocks.c.id)
        .where(
            text("timers.kind = 'flag' and timers.state = 'fired'"),
            timers.c.tier == named[2],
            clocks.c.name == named[1],
            clocks.c.state != STOPPED,
        )
    )
    return cases.c.id.in_(held)


def _task_overdue(reading: Reading) -> ColumnElement[bool]:
    return and_(OPEN, tasks.c.due_at < reading.now)


def _mine(reading: Reading) -> ColumnElement[bool]:
    whole, parts = all_places(reading.actor)
    lying: ColumnElement[bool] = task_queue.c.holder.in_(whole)
    if parts:
        lying = or_(lying, tuple_(task_queue.c.holder, task_queue.c.process_key).in_(parts))
    return tasks.c.id.in_(select(task_queue.c.task_id).where(lying))


def _caller_phone(reading: Reading, value: Any, at: str) -> ColumnElement[bool]:
    digits = blind.normal(value) if isinstance(value, str) else ""
    if not (digits.isascii() and digits.isdigit() and (len(digits) == blind.LAST or 7 <= len(digits) <= 12)):
        return reading.wrong(at, "value-invalid", "应为完整的电话号码，或末四位。")
    return cases.c.id.in_(cases_with(reading.session, "caller_phone", digits))


CASE_SPECIALS: dict[str, Special] = {
    "callerPhone": _caller_phone,
    "words": _words,
    "place": _place,
    "unit": _pooled,
    "overdue": _flag(_case_overdue),
    "tier": _case_tier,
}
TASK_SPECIALS: dict[str, Special] = {"overdue": _flag(_task_overdue), "mine": _flag(_mine)}


# — facts —


@dataclass(frozen=True)
class Fact:
    """A declared name that may be filtered by: where its values stand, and how one is read."""

    kind: Kind
    column: Any
    table: str | None = None


def known_facts(session: Session, process: str | None) -> dict[str, set[Fact]]:
    """The facts of the versions that new cases start with, by name; of one process when it is named."""
    heads = select(process_heads.c.version_id)
    if process is not None:
        heads = heads.where(process_heads.c.key == process)
    found: dict[str, set[Fact]] = {}
    for version in session.execute(heads).scalars():
        declared = bundles.get(version).process
        for name in declared.facts:
            found.setdefault(name, set()).add(_fact(declared.data[name]))
    return found


def _fact(field: DataField) -> Fact:
    if field.type in ("int", "decimal"):
        return Fact(NUMBER, case_facts.c.as_number)
    if field.type in ("date", "datetime"):
        return Fact(MOMENT, case_facts.c.as_instant)
    if field.type == "bool":
        return Fact(TRUTH, case_facts.c.as_text)
    return Fact(BEGINNING, case_facts.c.as_text, field.table or None)


def _facts(reading: Reading, given: Any, process: Any, at: str) -> list[Any]:
    if not isinstance(given, Mapping):
        return [reading.wrong(at, "value-invalid", "应为一个对象：名字和条件。")]
    known = known_facts(reading.session, process if isinstance(process, str) else None)
    found = []
    for name, value in given.items():
        here = at + pointer(name)
        kinds = known.get(name, set())
        if not kinds:
            names = "、".join(sorted(known)) or "（没有）"
            reading.wrong(here, "field-unknown", f"没有可以筛选的“{name[:40]}”；可以用 {names}。")
        elif len(kinds) > 1:
            message = f"“{name}”在几个流程里类型不同，请同时写明 process。"
            reading.wrong(here, "field-ambiguous", message)
        else:
            found.append(_fact_holds(reading, name, next(iter(kinds)), value, here))
    return found


def _fact_holds(reading: Reading, name: str, fact: Fact, value: Any, at: str) -> ColumnElement[bool]:
    rows = select(case_facts.c.case_id).where(case_facts.c.name == name)
    if isinstance(value, Mapping) and BELOW in value and fact.table is not None:
        code = value[BELOW]
        if not isinstance(code, str) or len(value) > 1:
            return reading.wrong(at, "value-invalid", f"{BELOW} 后面写一个分类编码，不与别的条件同用。")
        return cases.c.id.in_(rows.where(case_facts.c.as_text.in_(codes_below(fact.table, code))))
    if isinstance(value, Mapping) and value.get("$exists") is False and len(value) == 1:
        return ~cases.c.id.in_(rows.where(fact.column.is_not(None)))
    return cases.c.id.in_(rows.where(condition(fact.kind, fact.column, value, at, reading.errors)))
