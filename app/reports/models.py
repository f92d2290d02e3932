"""One narrow row for each case that statistics count: what a number needs to know of it, and nothing else."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, false

from app.core.db import Id, Instant, metadata

counted_cases = Table(
    "counted_cases",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("process_key", String(60), nullable=False),
    Column("org_path", String(400), nullable=False),  # where it happened: the scope
    Column("unit", String(60)),  # code of the unit it counts for; none until it was dispatched
    Column("category", String(121)),  # table/code
    Column("state", String(10), nullable=False),  # as cases.state
    Column("received_at", Instant, nullable=False),
    Column("dispatched_at", Instant),  # 派单, the first time
    Column("closed_at", Instant),
    Column("due_at", Instant),  # of the clock that says 按时; with what was extended and paused
    Column("met_at", Instant),  # when that clock stopped
    Column("returns", Integer, nullable=False),  # 退单 asked for, in all rounds
    Column("round", Integer, nullable=False),
    Column("excluded", Boolean, nullable=False, server_default=false()),  # 剔除
    Column("held", Boolean, nullable=False, server_default=false()),  # 挂账, not yet resumed
    Index("ix_counted_cases_received", "received_at"),
    Index("ix_counted_cases_dispatched", "dispatched_at"),
    # What a visit said last, of the round that is counted; none where nobody asked.
    Column("responded", Boolean),
    Column("reached", Boolean),
    Column("solved", Boolean),
    Column("satisfied", Boolean),
    # Both halves of a narrow scope, so that who sees one unit of many reads that one's rows alone.
    Index("ix_counted_cases_unit", "unit", "received_at"),
    Index("ix_counted_cases_place", "org_path", postgresql_ops={"org_path": "varchar_pattern_ops"}),
)
