"""Who may do what, where: one SQL predicate for rows, one question for a place, nothing by default."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, column, exists, false, func, or_, select, table, true

from app.core import dialects, events
from app.core.errors import NotFound
from app.identity.actor import Actor, Standing
from app.identity.errors import PermissionMissing
from app.identity.models import case_access
from app.identity.permissions import CASE_READ, TASK_READ, label


def case_scope(actor: Actor, permission: str, path_column: Any, case_id_column: Any) -> ColumnElement[bool]:
    """The rows for which the permission holds: below a unit that grants it, or let in by case_access.

    Nobody holding the permission nowhere sees anything. The system sees everything.
    """
    if actor.kind == "system":
        return true()
    named = holders(actor, permission)
    if not named:
        return false()
    held = actor.permissions.get(permission, ())
    known = exists().where(and_(case_access.c.case_id == case_id_column, case_access.c.holder.in_(named)))
    through = [case_id_column.in_(cases) for cases in lent(actor, permission)]
    return or_(unit_scope(held, path_column), known, *through)


def let_in(case_id_column: Any) -> ColumnElement[bool]:
    """For a statement made once: whether case_access knows one of the parameter `holders` (see `sees`)."""
    named = dialects.one_of(case_access.c.holder, "holders")
    return exists().where(and_(case_access.c.case_id == case_id_column, named))


def holders(actor: Actor, permission: str) -> list[str]:
    """The names under which case_access may know the actor; none without the permission."""
    if not actor.holds(permission):
        return []
    held = actor.permissions.get(permission, ())
    units = [
        f"unit:{a.unit_path}" for a in actor.appointments if a.unit_path in held or _below(a.unit_path, held)
    ]
    pools = [f"pool:{a.role}@{a.unit_path}" for a in actor.appointments if f"unit:{a.unit_path}" in units]
    return [*dict.fromkeys(units), *dict.fromkeys(pools), f"person:{actor.id}"]


_CASES = table("cases", column("id"), column("process_key"))
"""What a limited substitution asks of the room above."""


def lent(actor: Actor, permission: str) -> list[Any]:
    """The cases, as queries for their ids, that somebody sees because he stands for others: those in which
    the others have or had something to do, never all that lies below their units. Only for reading."""
    found = []
    for standing in actor.stands_for:
        if named := _lends(actor, standing, permission):
            cases = select(case_access.c.case_id).where(case_access.c.holder.in_(named))
            if standing.processes is not None:
                of = select(_CASES.c.id).where(_CASES.c.process_key.in_(sorted(standing.processes)))
                cases = cases.where(case_access.c.case_id.in_(of))
            found.append(cases)
    return found


def lenders(actor: Actor, permission: str, process: str | None = None) -> list[str]:
    """The names under which case_access may know those for whom somebody stands (in this process)."""
    able = [each for each in actor.stands_for if process is None or each.covers(process)]
    return [name for each in able for name in _lends(actor, each, permission)]


def _lends(actor: Actor, standing: Standing, permission: str) -> list[str]:
    if permission not in (CASE_READ, TASK_READ) or not actor.holds(permission):
        return []
    return holders(standing.actor, permission)


def sees(actor: Actor, permission: str, path: str, known: bool) -> bool:
    """What case_scope says, for one row at hand: its path, and what `let_in` answered for it."""
    return actor.allows(permission, path) or (known and actor.holds(permission))


def unit_scope(paths: tuple[str, ...], path_column: Any) -> ColumnElement[bool]:
    """The rows whose path is one of the units or lies below one; none for no paths."""
    if not paths:
        return false()
    return or_(*(_between(path_column, *bounds(path)) for path in paths))


def require(actor: Actor, permission: str, path: str | None = None, subject: str | None = None) -> None:
    """Raises PermissionMissing (403, permission named) unless it holds at the place (None: anywhere)."""
    if not (actor.holds(permission) if path is None else actor.allows(permission, path)):
        raise missing(actor, permission, subject)


def missing(actor: Actor, permission: str, subject: str | None = None) -> PermissionMissing:
    """The answer for somebody who sees a thing but may not do this to it; told to the security log."""
    events.security("forbidden", actor.doer, subject, {"permission": permission})
    return PermissionMissing(f"缺少权限：{label(permission)}（{permission}）。", permission=permission)


def hidden(actor: Actor, subject: str | None = None) -> NotFound:
    """The answer for a thing outside somebody's scope: the same as if it did not exist; told to the log."""
    events.security("out-of-scope", actor.doer, subject, {})
    return NotFound()


def _below(path: str, held: tuple[str, ...]) -> bool:
    return any(path.startswith(one + "/") for one in held)


# — a statement made once, for whoever asks —


@dataclass(frozen=True)
class Shape:
    """What such a statement depends on: at how many places a permission holds, and for how many names."""

    paths: int
    names: int
    everywhere: bool = False


def shape(actor: Actor, permission: str) -> Shape:
    """The shape of somebody's scope."""
    held = actor.permissions.get(permission, ())
    return Shape(len(held), len(holders(actor, permission)), actor.kind == "system")


def values(actor: Actor, permission: str) -> dict[str, str]:
    """The parameters of the predicates below, for one who asks."""
    found = {f"name_{i}": name for i, name in enumerate(holders(actor, permission))}
    for i, path in enumerate(actor.permissions.get(permission, ())):
        found.update(zip(_bounds(i), bounds(path), strict=True))
    return found


def inside(shape: Shape, path_column: Any) -> ColumnElement[bool]:
    """What `unit_scope` says, with parameters."""
    if shape.everywhere:
        return true()
    if not shape.paths:
        return false()
    return or_(*(_between(path_column, *map(bindparam, _bounds(i))) for i in range(shape.paths)))


def names(shape: Shape) -> list[Any]:
    """The parameters for the names under which case_access may know somebody."""
    return [bindparam(f"name_{i}") for i in range(shape.names)]


def in_scope(shape: Shape, path_column: Any, case_id_column: Any) -> ColumnElement[bool]:
    """What `case_scope` says, with parameters."""
    if shape.everywhere or not shape.names:
        return inside(shape, path_column)
    # Wrapped, so that the few rows of one case are looked through, not the index searched for each name.
    holder = func.coalesce(case_access.c.holder, "")
    known = and_(case_access.c.case_id == case_id_column, holder.in_(names(shape)))
    return or_(inside(shape, path_column), exists().where(known))


def bounds(path: str) -> tuple[str, str, str, str]:
    """Where the unit itself begins and ends in the order of bytes, and where what is below it does."""
    return path, path + "\x01", path + "/", path + "0"  # "0" is the character after "/"


def _bounds(i: int) -> tuple[str, str, str, str]:
    return f"path_{i}", f"path_{i}_end", f"path_{i}_below", f"path_{i}_last"


def _between(column: Any, here: Any, end: Any, below: Any, last: Any) -> ColumnElement[bool]:
    # Ranges, not = and LIKE. A LIKE with a parameter is no range to a plan made before its value is known;
    # and a planner that knows only the frequent values takes an = with any other for one of the frequent.
    return or_(
        and_(dialects.not_before(column, here), dialects.before(column, end)),
        and_(dialects.not_before(column, below), dialects.before(column, last)),
    )
