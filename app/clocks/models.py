"""Tables of the clocks: a clock of a case, its append-only ledger, and the timers that fire."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    select,
    text,
)

from app.audit.guards import append_only
from app.core.db import Id, Instant, Json, Session, metadata

clocks = Table(
    "clocks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("name", String(60), nullable=False),
    # What this instance measures: "" for the whole case, "#1" for a round of it, else the ref of a task.
    Column("instance", String(60), nullable=False),
    Column("state", String(10), nullable=False),  # running | paused | stopped
    Column("started_at", Instant, nullable=False),
    Column("allowance", String(40)),  # the limit as the policy words it, e.g. PT2H
    Column("due_at", Instant),  # none without a limit, and while it is paused
    Column("stopped_at", Instant),
    # The version of the working calendar that the due time follows from; none in natural time.
    Column("calendar", Integer),
    # Whose calendar; none in natural time, and of a row of old: that of the house.
    Column("region", String(20)),
    # The version of the process whose policy it went over to, or was started under after its case had, and
    # since when; none: the case's own.
    Column("policy_version", String(64)),
    Column("policy_since", Instant),
    UniqueConstraint("case_id", "name", "instance", name="uq_clocks_instance"),
    # Which have run out.
    Index(
        "ix_clocks_due",
        "name",
        "due_at",
        postgresql_where=text("state = 'running'"),
        sqlite_where=text("state = 'running'"),
    ),
    # Which due times a new calendar may move.
    Index(
        "ix_clocks_calendar",
        "region",
        "calendar",
        "case_id",
        postgresql_where=text("calendar is not null and state <> 'stopped'"),
        sqlite_where=text("calendar is not null and state <> 'stopped'"),
    ),
)

clock_ledger = append_only(
    Table(
        "clock_ledger",
        metadata,
        Column("id", Id, primary_key=True),
        Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
        Column("clock_id", Id, ForeignKey("clocks.id"), nullable=False),
        Column("at", Instant, nullable=False),
        Column("entry", String(20), nullable=False),  # as ledger.Entry says
        Column("actor_id", String(60), nullable=False),
        Column("detail", Json, nullable=False),
        # The row of the case's audit chain that covers this line; none for a tier: the stream `tiers` has it.
        Column("chain_seq", Integer),
        Index("ix_clock_ledger_case", "case_id", "id"),
    )
)

timers = Table(
    "timers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("root_id", Id, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(10), nullable=False),  # flag | token
    Column("key", String(60), nullable=False),  # flag: the clock's id; token: the engine's ref
    Column("tier", String(60), nullable=False),  # flag: the tier's key; token: the element's id
    Column("generation", Integer, nullable=False),
    Column("clock_id", Id),
    Column("due_at", Instant),  # none while held
    # armed | claimed | held | fired | past (a later tier of its class holds) | cancelled | incident
    Column("state", String(10), nullable=False),
    Column("lease_by", String(60)),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False, default=0),  # firings that failed
    Column("deaths", Integer, nullable=False, default=0),  # firings that began and never ended
    Column("begun", Boolean, nullable=False, default=False),
    Column("fired_at", Instant),
    UniqueConstraint("case_id", "key", "tier", "generation", name="uq_timers_generation"),
    Index(
        "ix_timers_due",
        "kind",
        "due_at",
        "id",
        postgresql_where=text("state = 'armed'"),
        sqlite_where=text("state = 'armed'"),
    ),
    Index(
        "ix_timers_reached",
        "tier",
        "key",
        postgresql_where=text("kind = 'flag' and state = 'fired'"),
        sqlite_where=text("kind = 'flag' and state = 'fired'"),
    ),
    Index(
        "ix_timers_lease",
        "lease_until",
        "id",
        postgresql_where=text("state = 'claimed'"),
        sqlite_where=text("state = 'claimed'"),
    ),
)

_LEDGER = select(clock_ledger).where(clock_ledger.c.case_id == bindparam("case")).order_by(clock_ledger.c.id)


def ledger_of(session: Session, case_id: str) -> list[Mapping[str, Any]]:
    """The whole ledger of a case, oldest first."""
    return [dict(row) for row in session.execute(_LEDGER, {"case": case_id}).mappings()]


_LEDGERS = (
    select(clock_ledger)
    .where(clock_ledger.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(clock_ledger.c.id)
)


def ledger_of_all(session: Session, case_ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """The ledgers of several cases, oldest line first."""
    return [dict(row) for row in session.execute(_LEDGERS, {"ids": list(case_ids)}).mappings()]
