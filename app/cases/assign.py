"""Who finds a task: lane rules become pools, a pool is a role in exactly one unit."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Integer, bindparam, case, func, or_, select

from app.audit.chain import case_chain
from app.bundles.rules import Rule
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.core import dialects
from app.core.db import Instant
from app.identity import org
from app.identity.actor import Actor, pool
from app.identity.models import appointments, people, units
from app.identity.permissions import TASK_READ

HANDLER_ROLE = "handler"
"""The role that `unit(field)` means."""


@dataclass(frozen=True)
class Pools:
    """Where a task lies. `fallback` says that the wanted pool was empty and an ancestor got it."""

    names: tuple[str, ...]
    fallback: bool


@dataclass(frozen=True)
class _Unit:
    path: str
    tier: str
    code: str
    roles: dict[str, int]


@dataclass
class _Seen:
    """What a motion has read of the organisation: units by path, and what it asked for."""

    units: dict[str, _Unit] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    people: dict[str, org.Person] = field(default_factory=dict)

    def coded(self, code: str) -> _Unit | None:
        """The unit with this code, if it was found."""
        return next((unit for unit in self.units.values() if unit.code == code), None)


def places(actor: Actor) -> list[str]:
    """Where an actor's tasks lie: the own desk and the pools the actor stands in."""
    return [f"person:{actor.id}", *(f"pool:{pool}" for pool in sorted(actor.pools))]


def all_places(actor: Actor) -> tuple[list[str], list[tuple[str, str]]]:
    """The same with those of whom the actor represents: whole, or for one process each."""
    whole = dict.fromkeys(places(actor))
    able = [each for each in actor.stands_for if each.actor.holds(TASK_READ)]
    whole |= dict.fromkeys(place for each in able if each.processes is None for place in places(each.actor))
    limited = [each for each in able if each.processes is not None]
    parts = [
        (place, process)
        for each in limited
        for process in sorted(each.processes or ())
        for place in places(each.actor)
        if place not in whole
    ]
    return list(whole), list(dict.fromkeys(parts))


def unit_path(pool_name: str) -> str:
    return pool_name.partition("@")[2]


_NOW = bindparam("now", type_=Instant)

# One statement answers for all tasks that open: the units in question and how many people hold which role.
_UNITS = (
    select(
        units.c.path,
        units.c.tier,
        units.c.code,
        appointments.c.role,
        func.count(appointments.c.id).label("people"),
    )
    .select_from(
        units.outerjoin(
            appointments.join(
                people, (people.c.id == appointments.c.person_id) & (people.c.state == "active")
            ),
            (appointments.c.unit_id == units.c.id)
            & or_(appointments.c.valid_from.is_(None), appointments.c.valid_from <= _NOW)
            & or_(appointments.c.valid_to.is_(None), appointments.c.valid_to > _NOW),
        )
    )
    .where(
        or_(
            dialects.one_of(units.c.path, "paths"),
            dialects.one_of(units.c.code, "codes"),
        )
    )
    .group_by(units.c.path, units.c.tier, units.c.code, appointments.c.role)
)


_LAST = (
    select(tasks.c.done_by, tasks.c.pools, people.c.state)
    .outerjoin(people, people.c.id == tasks.c.done_by)
    .where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.step == bindparam("step"),
        tasks.c.state == "done",
        tasks.c.part.is_(None),
    )
    .order_by(
        case((tasks.c.place == bindparam("place", type_=Integer), 0), else_=1),  # of the same item, if of any
        tasks.c.closed_at.desc(),
        tasks.c.id.desc(),
    )
    .limit(1)
)


_FILER = select(case_chain.c.actor_id).where(case_chain.c.case_id == bindparam("case"), case_chain.c.seq == 1)


def look_ahead(motion: Motion, wanted: Iterable[tuple[Sequence[Rule], str | None]]) -> None:
    """Reads at once what the pools of tasks about to open depend on, however many and different they are.

    `wanted`: the rules of each, and what it is done for.
    """
    codes = {code for rules, item in wanted for rule in rules if (code := _chosen(motion, rule, item))}
    seen = _look(motion, [motion.case["org_path"]], codes)
    found = {code: seen.coded(code) for code in codes}
    _look(motion, [unit.path for unit in found.values() if unit and HANDLER_ROLE not in unit.roles])
    seen.people.update(org.people_by_login(motion.session, [code for code in codes if found[code] is None]))


def pools_for(
    motion: Motion, rules: Sequence[Rule], item: str | None = None, place: int | None = None
) -> Pools:
    """The pools of a step's rules. Never empty: nobody in the wanted one → the nearest above with that role,
    else the wanted one itself, so that the task waits for the next appointment. `item` is what the task is
    done for in a step of several: a unit's code or a person's login; `place` is where that stands in the
    list."""
    names: list[str] = []
    fallback = False
    named = [rule for rule in rules if rule.kind != "unit" or motion.case["data"].get(rule.argument)]
    for rule in named or rules:  # a unit not chosen yet is nobody, where another rule of the step names one
        found, missed = _pool_of(motion, rule, item, place)
        fallback = fallback or missed
        names += [name for name in found if name not in names]
    if not names:  # no rule at all: an older version may hold such a step
        names, fallback = _somebody(motion)
    return Pools(tuple(names), fallback)


def _pool_of(motion: Motion, rule: Rule, item: str | None, place: int | None) -> tuple[list[str], bool]:
    if rule.kind == "handler":
        last = _last_handler(motion, rule.argument, place)
        return ([f"person:{last}"], False) if last else _somebody(motion)
    if rule.kind == "reporter":
        reporter = motion.case["reporter_id"]
        here = reporter is not None and org.is_active(motion.session, reporter)
        return ([f"person:{reporter}"], False) if here else _somebody(motion)
    if rule.kind == "filer":
        filer = motion.actor.id if motion.new else motion.session.scalar(_FILER, {"case": motion.case["id"]})
        here = filer is not None and org.is_active(motion.session, filer)
        return ([f"person:{filer}"], False) if here else _somebody(motion)
    if rule.kind == "superior":
        return _superior(motion, rule.argument, place)
    if rule.kind in ("unit", "item"):
        return _of_the_chosen(motion, rule, item)
    wanted = motion.case["org_path"]
    near = _above(motion, wanted)
    if rule.tier is not None:
        wanted = next((u.path for u in near if u.tier == rule.tier), wanted)
    return _nearest(near, rule.argument, wanted)


def _chosen(motion: Motion, rule: Rule, item: str | None) -> str | None:
    """The unit's code (or a person's login) that a rule names by what was chosen."""
    if rule.kind == "item":
        return item
    return motion.case["data"].get(rule.argument) if rule.kind == "unit" else None


def _of_the_chosen(motion: Motion, rule: Rule, item: str | None) -> tuple[list[str], bool]:
    code = _chosen(motion, rule, item) or ""
    unit = _look(motion, (), (code,)).coded(code)
    if unit is not None:
        if HANDLER_ROLE in unit.roles:
            return [pool(HANDLER_ROLE, unit.path)], False
        return _nearest(_above(motion, unit.path), HANDLER_ROLE, unit.path)
    person = _seen(motion).people.get(code) if rule.kind == "item" else None
    return ([f"person:{person.id}"], False) if person and person.active else _somebody(motion)


def _last_handler(motion: Motion, step: str, place: int | None) -> str | None:
    """Who completed the step last, perhaps in this very act; None when nobody did or is disabled by now."""
    if (now := _just_done(motion, step)) is not None:
        return str(now["done_by"])
    last = _last(motion, step, place)
    return last.done_by if last is not None and last.state == "active" else None


def _just_done(motion: Motion, step: str) -> Row | None:
    """The task of the step that this very act completed."""
    found = (
        task
        for task in motion.tasks.values()
        if (task["step"], task["state"], task["part"]) == (step, "done", None)
    )
    return next(found, None)


def _last(motion: Motion, step: str, place: int | None) -> Any:
    """The task of the step that was done last before this act; None before the first."""
    last: dict[Any, Any] = motion.asked.setdefault("last done", {})
    if (step, place) not in last:
        which = {"case": motion.case["id"], "step": step, "place": place}
        last[step, place] = motion.session.execute(_LAST, which).one_or_none()
    return last[step, place]


def _superior(motion: Motion, step: str, place: int | None) -> tuple[list[str], bool]:
    """The role of who completed the step last, in the nearest unit above theirs."""
    now = _just_done(motion, step)
    last = _last(motion, step, place) if now is None else None
    done = now["pools"] if now is not None else last.pools if last is not None else []
    for role, _, path in (name.partition("@") for name in done):
        if "/" in path:
            above = path.rpartition("/")[0]
            return _nearest(_above(motion, above), role, above)
    return _somebody(motion)


def handlers_of(motion: Motion, code: str) -> str | None:
    """The pool of the handlers of a unit; None where there is no such unit, or nobody in it."""
    unit = _look(motion, (), (code,)).coded(code)
    return pool(HANDLER_ROLE, unit.path) if unit is not None and HANDLER_ROLE in unit.roles else None


def next_level(motion: Motion, pools: Iterable[str]) -> list[str]:
    """The same role in the nearest unit above the first pool that has it; nothing at the top."""
    for role, _, path in (name.partition("@") for name in pools):
        if "/" in path:
            above = path.rpartition("/")[0]
            found, missed = _nearest(_above(motion, above), role, above)
            if not missed or any(role in unit.roles for unit in _above(motion, above)):
                return found
    return []


def _somebody(motion: Motion) -> tuple[list[str], bool]:
    """A rule that names nobody yet: the nearest handlers from the case's place upwards."""
    place = motion.case["org_path"]
    return _nearest(_above(motion, place), HANDLER_ROLE, place)[0], True


def _nearest(near: Sequence[_Unit], role: str, wanted: str) -> tuple[list[str], bool]:
    staffed = [u.path for u in near if role in u.roles and (wanted + "/").startswith(u.path + "/")]
    if not staffed:
        return [pool(role, wanted)], True
    best = max(staffed, key=len)
    return [pool(role, best)], best != wanted


def _above(motion: Motion, place: str) -> list[_Unit]:
    """The units at and above a place."""
    known = _look(motion, [place]).units
    return [known[path] for path in org.ancestors(place) if path in known]


def above(motion: Motion, place: str, tiers: Collection[str]) -> list[str]:
    """The paths of the units of these tiers above a place; nothing is asked where none are named."""
    if not tiers:
        return []
    return [unit.path for unit in _above(motion, place) if unit.tier in tiers and unit.path != place]


def share(motion: Motion, other: Motion) -> None:
    """What one case of an act has read of the organisation the other need not read again."""
    other.asked["organisation"] = _seen(motion)


def _seen(motion: Motion) -> _Seen:
    seen: _Seen = motion.asked.setdefault("organisation", _Seen())
    return seen


def _look(motion: Motion, places: Iterable[str], codes: Iterable[str] = ()) -> _Seen:
    """The organisation as far as it was read, now with these places, all above them, and these codes."""
    seen = _seen(motion)
    paths = {path for place in places for path in org.ancestors(place)} - seen.paths
    new = set(codes) - seen.codes
    if not paths and not new:
        return seen
    seen.paths |= paths
    seen.codes |= new
    asked = {"paths": sorted(paths), "codes": sorted(new), "now": motion.now}
    (found,) = motion.session.ask((_UNITS, asked))
    for row in found:
        unit = seen.units.setdefault(row["path"], _Unit(row["path"], row["tier"], row["code"], {}))
        if row["role"] is not None and row["people"]:
            unit.roles[row["role"]] = row["people"]
    return seen
