"""Side requests as rows: what was asked of which case, by whom, and what became of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, bindparam, insert, select, update

from app.core.db import Id, Instant, Session, metadata

# One row a request; its id is that of the child case that decides it.
case_requests = Table(
    "case_requests",
    metadata,
    Column("id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("parent_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(20), nullable=False),  # kinds.KINDS
    Column("unit", String(60), nullable=False),  # the unit that handles the case, and mostly asks
    Column("asked_by", String(60), nullable=False),
    # 代理: who really asked where it was a substitute of `asked_by`, and how that is signed: 甲（代乙）
    Column("hand_id", String(60)),
    Column("signature", String(140)),
    Column("asked_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False),  # kinds.STATES
    Column("decided_by", String(60)),
    Column("decided_at", Instant),
    Column("opinion", Text),
    Index("ix_case_requests_parent", "parent_id", "id"),
    Index("ix_case_requests_unit", "unit", "kind", "id"),
    Index("ix_case_requests_kind", "kind", "state", "id"),
)

INSERT = insert(case_requests)
_OPEN = (
    select(case_requests.c.id)
    .where(
        case_requests.c.parent_id == bindparam("parent"),
        case_requests.c.kind == bindparam("kind"),
        case_requests.c.state == "pending",
    )
    .limit(1)
)
_DECIDE = (
    update(case_requests)
    .where(case_requests.c.id == bindparam("which"), case_requests.c.state == "pending")
    .values(
        state=bindparam("how"),
        decided_by=bindparam("by"),
        decided_at=bindparam("at"),
        opinion=bindparam("said"),
    )
    .returning(case_requests.c.asked_by)
)
_PASS_ON = update(case_requests).where(case_requests.c.id == bindparam("which")).values(unit=bindparam("to"))


def pending(session: Session, parent: str, kind: str) -> str | None:
    """The id of the request of this kind that waits for its decision."""
    found: str | None = session.scalar(_OPEN, {"parent": parent, "kind": kind})
    return found


def decide(session: Session, which: str, how: str, by: str, at: datetime, said: str | None) -> str | None:
    """Writes what became of a request; who asked for it, None when that was written before."""
    row: dict[str, Any] = {"which": which, "how": how, "by": by, "at": at, "said": said}
    asked_by: str | None = session.execute(_DECIDE, row).scalar()
    return asked_by


def pass_on(session: Session, which: str, unit: str) -> None:
    """Another unit has the case in hand now."""
    session.execute(_PASS_ON, {"which": which, "to": unit})
