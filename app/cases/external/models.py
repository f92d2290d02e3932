"""The table of external tasks."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from app.core.db import Id, Instant, Json, metadata

LIVE = ("open", "stopped", "resting")
STATES = (*LIVE, "done", "error", "cancelled", "returned", "skipped")

# One row each time a case comes to work that is done outside. Rows of work that is over stay: whoever hands
# in late is told what became of it.
external_tasks = Table(
    "external_tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("ref", String(20), nullable=False),
    Column("element", String(60), nullable=False),
    Column("name", String(200), nullable=False),
    Column("topic", String(60), nullable=False),
    Column("org_path", String(400), nullable=False),  # the case's: who may be offered it
    Column("rank", Integer, nullable=False),  # 100 − the case's priority: the urgent first
    Column("variables", Json, nullable=False),  # what the worker gets: the inputs, as they were on arrival
    Column("state", String(10), nullable=False),
    Column("next_at", Instant),  # from when it is offered; none: to nobody
    Column("account_id", String(60)),  # who holds it, or held it last
    Column("worker", String(120)),  # what that account's worker calls itself
    Column("lock_until", Instant),
    Column("locks", Integer, nullable=False),  # how often it was fetched
    Column("retries", Integer),  # left, as the worker said; none before its first failure
    Column("error_code", String(60)),
    Column("error_message", Text),
    Column("error_details", Text),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(60)),
    UniqueConstraint("case_id", "ref", name="uq_external_tasks_ref"),
    Index(
        "ix_external_tasks_due",
        "topic",
        "next_at",
        "id",
        postgresql_where=text("next_at is not null"),
        sqlite_where=text("next_at is not null"),
    ),
    Index(
        "ix_external_tasks_urgent",
        "topic",
        "rank",
        "next_at",
        "id",
        postgresql_where=text("next_at is not null"),
        sqlite_where=text("next_at is not null"),
    ),
    Index("ix_external_tasks_state", "state", "id"),
)
