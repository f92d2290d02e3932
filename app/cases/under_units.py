"""What stands under a unit and names it by its path: while there is any, the unit stays where it is."""

from typing import Any

from sqlalchemy import func, or_, select

from app.cases.models import cases
from app.cases.phrases.models import phrases
from app.cases.search.saved import filter_shares
from app.core.db import Session
from app.identity import org
from app.identity.models import case_access
from app.identity.scopes import unit_scope


def install() -> None:
    """Asked before a unit moves."""
    org.before_moving(in_the_way)


def in_the_way(session: Session, path: str) -> str | None:
    """Cases placed there or once in its pools, and what is shared with it; None when there is nothing."""
    pooled = select(case_access.c.case_id).where(_held(case_access.c.holder, path))
    placed = or_(unit_scope((path,), cases.c.org_path), cases.c.id.in_(pooled))
    count = session.scalar(select(func.count()).select_from(cases).where(placed))
    if count:
        return f"这里有 {count} 件办件"
    for table, what in ((filter_shares, "共享的筛选"), (phrases, "共用的常用语")):
        if session.execute(select(table.c.holder).where(_held(table.c.holder, path)).limit(1)).first():
            return f"这里有{what}"
    return None


def _held(column: Any, path: str) -> Any:
    """Holders that are the unit, something below it, or a role in one of them."""
    return or_(
        column == f"unit:{path}",
        column.like(f"unit:{path}/%"),
        column.like(f"role:%@{path}"),
        column.like(f"role:%@{path}/%"),
    )
