"""Who is told: people by id, by pool and by their part in a case, with what each of them chose to hear."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, text

from app.cases.models import cases, tasks
from app.core import dialects
from app.core.db import Instant, Session
from app.identity import org
from app.identity.memberships import APPROVED, memberships
from app.identity.models import appointments, case_access, people, units
from app.notices.models import notice_choices, notice_settings
from app.notices.rules import Kind

PERSON = "person:"


@dataclass(frozen=True)
class Person:
    """Somebody who may be told: `chosen` is what he said of classes, `quiet` whether he rests at night,
    `paths` the units where he works, or the communities that he belongs to."""

    id: str
    quiet: bool = True
    chosen: Mapping[str, bool] = field(default_factory=dict)
    paths: tuple[str, ...] = ()

    def hears(self, kind: Kind) -> bool:
        if kind.must:
            return True
        return self.chosen.get(kind.key, not kind.wished)


_CHOSEN = and_(notice_choices.c.person_id == people.c.id, dialects.one_of(notice_choices.c.kind, "kinds"))
_APPOINTED, _MEMBER = appointments.alias(), memberships.alias()
_WORKS = select(dialects.joined(_APPOINTED.c.unit_path)).where(
    _APPOINTED.c.person_id == people.c.id,
    or_(_APPOINTED.c.valid_from.is_(None), _APPOINTED.c.valid_from <= dialects.instant_now()),
    or_(_APPOINTED.c.valid_to.is_(None), _APPOINTED.c.valid_to > dialects.instant_now()),
)
_LIVES = select(dialects.joined(_MEMBER.c.unit_path)).where(
    _MEMBER.c.person_id == people.c.id, _MEMBER.c.state == APPROVED
)
_PATHS = func.coalesce(_WORKS.scalar_subquery(), _LIVES.scalar_subquery(), "").label("paths")
_COLUMNS = (people.c.id, notice_settings.c.quiet, notice_choices.c.kind, notice_choices.c.wanted, _PATHS)
_ABOUT = people.outerjoin(notice_choices, _CHOSEN).outerjoin(
    notice_settings, notice_settings.c.person_id == people.c.id
)
_ACTIVE: ColumnElement[bool] = (people.c.state == "active") & (people.c.kind != "service")
_NAMED = select(*_COLUMNS).select_from(_ABOUT).where(_ACTIVE, dialects.one_of(people.c.id, "ids"))
_NOW = bindparam("now", type_=Instant)
_MEMBERS = (
    select(*_COLUMNS, appointments.c.role, appointments.c.unit_path)
    .select_from(appointments.join(_ABOUT, people.c.id == appointments.c.person_id))
    .where(
        _ACTIVE,
        dialects.one_of(appointments.c.role, "roles"),
        dialects.one_of(appointments.c.unit_path, "paths"),
        or_(appointments.c.valid_from.is_(None), appointments.c.valid_from <= _NOW),
        or_(appointments.c.valid_to.is_(None), appointments.c.valid_to > _NOW),
    )
)
_WISHING = _MEMBERS.where(notice_choices.c.wanted)
"""Of a pool only those who want to hear of it: most pools are large and most people do not."""


def named(session: Session, ids: Iterable[str], kinds: Sequence[str]) -> list[Person]:
    """Those of these people whose accounts are in use."""
    wanted = sorted({each for each in ids if each})
    if not wanted:
        return []
    (rows,) = session.ask((_NAMED, {"ids": wanted, "kinds": list(kinds)}))
    return list(_gathered(rows).values())


def members(
    session: Session, pools: Collection[str], kinds: Sequence[str], now: Any, *, wishing: bool = False
) -> dict[str, list[Person]]:
    """Who stands in each of these pools ("role@path") now."""
    places = [pool.partition("@") for pool in pools]
    if not places:
        return {}
    asked = {
        "roles": sorted({role for role, _, _ in places}),
        "paths": sorted({path for _, _, path in places}),
        "kinds": list(kinds),
        "now": now,
    }
    (rows,) = session.ask((_WISHING if wishing else _MEMBERS, asked))
    found = _gathered(rows)
    standing: dict[str, dict[str, Person]] = {pool: {} for pool in pools}
    for row in rows:
        pool = f"{row['role']}@{row['unit_path']}"
        if pool in standing:
            standing[pool][row["id"]] = found[row["id"]]
    return {pool: list(those.values()) for pool, those in standing.items()}


def _gathered(rows: Sequence[Mapping[str, Any]]) -> dict[str, Person]:
    chosen: dict[str, dict[str, bool]] = {}
    quiet: dict[str, bool] = {}
    paths: dict[str, tuple[str, ...]] = {}
    for row in rows:
        mine = chosen.setdefault(row["id"], {})
        quiet[row["id"]] = row["quiet"] if row["quiet"] is not None else True
        paths[row["id"]] = tuple(filter(None, row["paths"].split(",")))
        if row["kind"] is not None:
            mine[row["kind"]] = row["wanted"]
    return {each: Person(each, quiet[each], chosen[each], paths[each]) for each in chosen}


# — by their part in a case —

_TASKS = select(tasks.c.case_id, tasks.c.assignee_id, tasks.c.pools).where(
    dialects.one_of(tasks.c.case_id, "cases"),
    text("tasks.state in ('open', 'claimed')"),
)
_LET_IN = (
    select(case_access.c.case_id, case_access.c.reason, cases.c.parent_id, *_COLUMNS)
    .select_from(
        case_access.join(_ABOUT, people.c.id == func.substr(case_access.c.holder, len(PERSON) + 1)).join(
            cases, cases.c.id == case_access.c.case_id
        )
    )
    .where(
        _ACTIVE,
        dialects.one_of(case_access.c.case_id, "cases"),
        text("case_access.reason in ('started', 'followed')"),
    )
)
_CASES = select(cases.c.id, cases.c.org_path, cases.c.reporter_id).where(dialects.one_of(cases.c.id, "cases"))
_TIERS = select(units.c.path, units.c.tier).where(dialects.one_of(units.c.path, "paths"))


LET_IN = ("filer", "followers", "asker")
"""Who began a case, who follows it, who began it as a request beside another."""


class Parts:
    """Who has which part in some cases: asked for all of them at once, and only for what is wanted."""

    def __init__(
        self, session: Session, case_ids: Collection[str], words: Collection[str], kinds: Sequence[str]
    ) -> None:
        self.people: dict[str, Person] = {}
        """Those who are known already, so that nobody need ask for them again."""
        asked = {"cases": sorted(set(case_ids))}
        self._tasks: dict[str, list[Mapping[str, Any]]] = {}
        self._let_in: dict[str, dict[tuple[str, str], None]] = {}
        self._cases: dict[str, Mapping[str, Any]] = {}
        self._tiers: dict[str, str] = {}
        levels = any("@" in word for word in words)
        if {"handler", "superior"} & set(words):
            for row in session.ask((_TASKS, asked))[0]:
                self._tasks.setdefault(row["case_id"], []).append(row)
        if set(LET_IN) & set(words):
            (let_in,) = session.ask((_LET_IN, {**asked, "kinds": list(kinds)}))
            self.people = _gathered(let_in)
            for row in let_in:
                part = (
                    "followers" if row["reason"] == "followed" else "asker" if row["parent_id"] else "filer"
                )
                self._let_in.setdefault(row["case_id"], {})[row["id"], part] = None
        if levels or "reporter" in words:
            self._cases = {row["id"]: row for row in session.ask((_CASES, asked))[0]}
        if levels:
            above = {path for row in self._cases.values() for path in org.ancestors(row["org_path"])}
            (found,) = session.ask((_TIERS, {"paths": sorted(above)}))
            self._tiers = {row["path"]: row["tier"] for row in found}

    def holders(self, case_id: str, word: str) -> list[list[str]]:
        """Who is meant, as "person:<id>" or pools. Of each inner list, the first that is staffed."""
        match word:
            case "handler":
                return [[name] for row in self._open(case_id) for name in _at(row)]
            case "superior":
                return [above for row in self._open(case_id) if (above := _above(row["pools"]))]
            case "filer" | "followers" | "asker":
                found = self._let_in.get(case_id, ())
                return [[f"{PERSON}{person}"] for person, part in found if part == word]
            case "reporter":
                case = self._cases.get(case_id)
                return [[f"{PERSON}{case['reporter_id']}"]] if case and case["reporter_id"] else []
        role, _, tier = word.partition("@")
        return [[f"{role}@{path}"] for path in self._at_tier(case_id, tier)]

    def _open(self, case_id: str) -> Sequence[Mapping[str, Any]]:
        return self._tasks.get(case_id, ())

    def _at_tier(self, case_id: str, tier: str) -> list[str]:
        case = self._cases.get(case_id)
        near = org.ancestors(case["org_path"]) if case else []
        return [path for path in near if self._tiers.get(path) == tier][:1]


def _at(task: Mapping[str, Any]) -> list[str]:
    return [f"{PERSON}{task['assignee_id']}"] if task["assignee_id"] else list(task["pools"])


def _above(pools: Sequence[str]) -> list[str]:
    """The same role in the units above, the nearest first."""
    for role, _, path in (name.partition("@") for name in pools):
        if "/" in path:
            return [f"{role}@{above}" for above in org.ancestors(path)[1:]]
    return []
