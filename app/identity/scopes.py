"""Who may do what, where: one SQL predicate for rows, one question for a place, nothing by default."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, or_, true

from app.core import events
from app.core.errors import NotFound
from app.identity.actor import Actor
from app.identity.errors import PermissionMissing
from app.identity.models import case_access
from app.identity.permissions import label

_ESCAPE = "!"


def case_scope(actor: Actor, permission: str, path_column: Any, case_id_column: Any) -> ColumnElement[bool]:
    """The rows for which the permission holds: below a unit that grants it, or let in by case_access.

    Nobody holding the permission nowhere sees anything. The system sees everything.
    """
    if actor.kind == "system":
        return true()
    held = actor.permissions.get(permission, ())
    if not held:
        return false()
    named = holders(actor, permission)
    known = exists().where(and_(case_access.c.case_id == case_id_column, case_access.c.holder.in_(named)))
    return or_(unit_scope(held, path_column), known)


def let_in(case_id_column: Any) -> ColumnElement[bool]:
    """For a statement made once: whether case_access knows one of the parameter `holders` (see `sees`)."""
    named: Any = bindparam("holders", expanding=True)
    return exists().where(and_(case_access.c.case_id == case_id_column, case_access.c.holder.in_(named)))


def holders(actor: Actor, permission: str) -> list[str]:
    """The names under which case_access may know the actor; none without the permission."""
    held = actor.permissions.get(permission, ())
    if not held:
        return []
    units = [
        f"unit:{a.unit_path}" for a in actor.appointments if a.unit_path in held or _below(a.unit_path, held)
    ]
    return [*dict.fromkeys(units), f"person:{actor.id}"]


def sees(actor: Actor, permission: str, path: str, known: bool) -> bool:
    """What case_scope says, for one row at hand: its path, and what `let_in` answered for it."""
    return actor.allows(permission, path) or (known and actor.holds(permission))


def unit_scope(paths: tuple[str, ...], path_column: Any) -> ColumnElement[bool]:
    """The rows whose path is one of the units or lies below one; none for no paths."""
    if not paths:
        return false()
    return or_(*(part for path in paths for part in _subtree(path, path_column)))


def require(actor: Actor, permission: str, path: str | None = None, subject: str | None = None) -> None:
    """Raises PermissionMissing (403, permission named) unless it holds at the place (None: anywhere)."""
    if not (actor.holds(permission) if path is None else actor.allows(permission, path)):
        raise missing(actor, permission, subject)


def missing(actor: Actor, permission: str, subject: str | None = None) -> PermissionMissing:
    """The answer for somebody who sees a thing but may not do this to it; told to the security log."""
    events.security("forbidden", actor.id, subject, {"permission": permission})
    return PermissionMissing(f"缺少权限：{label(permission)}（{permission}）。", permission=permission)


def hidden(actor: Actor, subject: str | None = None) -> NotFound:
    """The answer for a thing outside somebody's scope: the same as if it did not exist; told to the log."""
    events.security("out-of-scope", actor.id, subject, {})
    return NotFound()


def _below(path: str, held: tuple[str, ...]) -> bool:
    return any(path.startswith(one + "/") for one in held)


def _subtree(path: str, column: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    # Escaped here, not by startswith(): a concatenated parameter would hide the prefix from the planner.
    prefix = path.replace(_ESCAPE, _ESCAPE * 2).replace("%", _ESCAPE + "%").replace("_", _ESCAPE + "_")
    return column == path, column.like(prefix + "/%", escape=_ESCAPE)
