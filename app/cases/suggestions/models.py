"""What was suggested when a step was done, and what was chosen; counted over the cases one sees."""

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, case, func, select

from app.cases.models import cases
from app.core.db import Id, Instant, metadata
from app.identity.actor import Actor
from app.identity.permissions import CASE_READ
from app.identity.scopes import case_scope

suggestions = Table(
    "suggestions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id", name="fk_suggestions_case_id"), nullable=False),
    Column("task_id", Id, nullable=False),
    Column("process_key", String(60), nullable=False),
    Column("step", String(60), nullable=False),
    Column("field", String(60), nullable=False),
    Column("adviser", String(60), nullable=False),
    Column("value", String(255), nullable=False),
    Column("chosen", String(255)),
    Column("taken", Boolean, nullable=False),
    Column("by_id", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_suggestions_process", "process_key", "step", "field"),
    Index("ix_suggestions_case", "case_id"),
)


def counted(actor: Actor, process: str | None) -> Any:
    """How often each field's suggestion was taken or not, in the cases that the actor sees."""
    s = suggestions.c
    by = (s.process_key, s.step, s.field, s.adviser)
    rows = (
        select(
            *by,
            func.sum(case((s.taken, 1), else_=0)).label("taken"),
            func.sum(case((s.taken, 0), else_=1)).label("changed"),
        )
        .join(cases, cases.c.id == s.case_id)
        .where(case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id))
        .group_by(*by)
        .order_by(*by)
    )
    return rows if process is None else rows.where(s.process_key == process)
