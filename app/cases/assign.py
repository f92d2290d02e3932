"""Who finds a task: lane rules become pools, a pool is a role in exactly one unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, or_, select

from app.bundles.rules import Rule
from app.cases.models import tasks
from app.cases.motion import Motion
from app.core.db import Instant
from app.identity import org
from app.identity.actor import Actor, pool
from app.identity.models import appointments, people, units

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


def places(actor: Actor) -> list[str]:
    """Where an actor's tasks lie: the own desk and the pools the actor stands in."""
    return [f"person:{actor.id}", *(f"pool:{pool}" for pool in sorted(actor.pools))]


def unit_path(pool_name: str) -> str:
    return pool_name.partition("@")[2]


_NOW = bindparam("now", type_=Instant)

# One statement answers for every rule of the step: the units in question and how many people hold which role.
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
    .where(or_(units.c.path.in_(bindparam("paths", expanding=True)), units.c.code == bindparam("chosen")))
    .group_by(units.c.path, units.c.tier, units.c.code, appointments.c.role)
)


_LAST = (
    select(tasks.c.done_by, tasks.c.pools, people.c.state)
    .outerjoin(people, people.c.id == tasks.c.done_by)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.step == bindparam("step"), tasks.c.state == "done")
    .order_by(tasks.c.closed_at.desc(), tasks.c.id.desc())
    .limit(1)
)


def pools_for(motion: Motion, rules: Sequence[Rule], item: str | None = None) -> Pools:
    """The pools of a step's rules. Never empty: nobody in the wanted one → the nearest above with that role,
    else the wanted one itself, so that the task waits for the next appointment. `item` is what the task is
    done for in a step of several: a unit's code or a person's login."""
    names: list[str] = []
    fallback = False
    named = [rule for rule in rules if rule.kind != "unit" or motion.case["data"].get(rule.argument)]
    for rule in named or rules:  # a unit not chosen yet is nobody, where another rule of the step names one
        found, missed = _pool_of(motion, rule, item)
        fallback = fallback or missed
        names += [name for name in found if name not in names]
    if not names:  # no rule at all: an older version may hold such a step
        names, fallback = _somebody(motion)
    return Pools(tuple(names), fallback)


def _pool_of(motion: Motion, rule: Rule, item: str | None) -> tuple[list[str], bool]:
    if rule.kind == "handler":
        last = _last_handler(motion, rule.argument)
        return ([f"person:{last}"], False) if last else _somebody(motion)
    if rule.kind == "superior":
        return _above(motion, rule.argument)
    if rule.kind in ("unit", "item"):
        code = motion.case["data"].get(rule.argument) if rule.kind == "unit" else item
        near = _units(motion, motion.case["org_path"], str(code))
        unit = next((u for u in near if u.code == code), None)
        if unit is None:
            person = org.person_by_login(motion.session, item) if rule.kind == "item" and item else None
            return ([f"person:{person.id}"], False) if person and person.active else _somebody(motion)
        if HANDLER_ROLE in unit.roles:
            return [pool(HANDLER_ROLE, unit.path)], False
        return _nearest(_units(motion, unit.path, unit.code), HANDLER_ROLE, unit.path)
    near = _units(motion, motion.case["org_path"], "")
    wanted = motion.case["org_path"]
    if rule.tier is not None:
        wanted = next((u.path for u in near if u.tier == rule.tier), wanted)
    return _nearest(near, rule.argument, wanted)


def _last_handler(motion: Motion, step: str) -> str | None:
    """Who completed the step last, perhaps in this very act; None when nobody did or is disabled by now."""
    for task in motion.tasks.values():
        if task["step"] == step and task["state"] == "done":
            return str(task["done_by"])
    last = motion.session.execute(_LAST, {"case": motion.case["id"], "step": step}).one_or_none()
    return last.done_by if last is not None and last.state == "active" else None


def _above(motion: Motion, step: str) -> tuple[list[str], bool]:
    """The role of who completed the step last, in the nearest unit above theirs."""
    done = next(
        (t["pools"] for t in motion.tasks.values() if (t["step"], t["state"]) == (step, "done")), None
    )
    if done is None:
        last = motion.session.execute(_LAST, {"case": motion.case["id"], "step": step}).one_or_none()
        done = last.pools if last is not None else []
    for role, _, path in (name.partition("@") for name in done):
        if "/" in path:
            above = path.rpartition("/")[0]
            return _nearest(_units(motion, above, ""), role, above)
    return _somebody(motion)


def _somebody(motion: Motion) -> tuple[list[str], bool]:
    """A rule that names nobody yet: the nearest handlers from the case's place upwards."""
    place = motion.case["org_path"]
    return _nearest(_units(motion, place, ""), HANDLER_ROLE, place)[0], True


def _nearest(near: Sequence[_Unit], role: str, wanted: str) -> tuple[list[str], bool]:
    staffed = [u.path for u in near if role in u.roles and (wanted + "/").startswith(u.path + "/")]
    if not staffed:
        return [pool(role, wanted)], True
    best = max(staffed, key=len)
    return [pool(role, best)], best != wanted


def _units(motion: Motion, place: str, chosen: str) -> list[_Unit]:
    asked = (place, chosen)
    if asked not in motion.asked:  # two hundred tasks may open at once, all for the same few pools
        motion.asked[asked] = _read_units(motion, place, chosen)
    found: list[_Unit] = motion.asked[asked]
    return found


def _read_units(motion: Motion, place: str, chosen: str) -> list[_Unit]:
    rows = motion.session.execute(
        _UNITS, {"paths": org.ancestors(place), "chosen": chosen, "now": motion.now}
    ).all()
    found: dict[str, _Unit] = {}
    for row in rows:
        unit = found.setdefault(row.path, _Unit(row.path, row.tier, row.code, {}))
        if row.role is not None and row.people:
            unit.roles[row.role] = row.people
    return list(found.values())
