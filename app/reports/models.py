"""What statistics keep: a narrow row for each case that is counted, frozen months, points of scores."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from app.audit.guards import append_only
from app.core.db import Id, Instant, Json, metadata

# What a number needs to know of a case, and nothing else.
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

# — frozen months: rows are added, never changed —

frozen_months = append_only(
    Table(
        "frozen_months",
        metadata,
        Column("id", Id, primary_key=True),
        Column("process_key", String(60), nullable=False),
        Column("month", String(7), nullable=False),  # 2026-10, by 派单 in Beijing
        Column("version_id", String(64), ForeignKey("process_versions.id"), nullable=False),
        Column("version_number", Integer, nullable=False),  # of the definitions
        Column("calendar", Integer),  # version of the working calendar; none in natural time
        Column("frozen_at", Instant, nullable=False),
        Column("cases", Integer, nullable=False),
        Column("digest", String(64), nullable=False),  # SM3 over its groups; told to the audit stream too
        UniqueConstraint("process_key", "month", name="uq_frozen_months"),
    )
)

# One row for each unit and place that had a case: units by code, for a path moves with its unit.
frozen_groups = append_only(
    Table(
        "frozen_groups",
        metadata,
        Column("id", Id, primary_key=True),
        Column("month_id", Id, ForeignKey("frozen_months.id"), nullable=False, index=True),
        Column("unit", String(60)),  # the unit it counts for
        Column("place", String(60)),  # where it happened; none of what is sealed
        Column("excluded", Integer, nullable=False),
        Column("held", Integer, nullable=False),
        Column("sums", Json, nullable=False),  # as Measure.columns names them; no zeros
        Column("members", LargeBinary, nullable=False),  # as freezing.packed
    )
)

# 加分、扣分: what somebody gave or took for a unit's score, and somebody else granted. Nothing of an entry is
# ever overwritten but its state, so that what counted at any instant can be told.
score_points = Table(
    "score_points",
    metadata,
    Column("id", Id, primary_key=True),
    Column("process_key", String(60), nullable=False),
    Column("measure", String(60), nullable=False),  # the score
    Column("unit", String(60), nullable=False),  # code of the unit that is judged
    Column("points", Float, nullable=False),  # above zero 加分, below 扣分; two decimals
    Column("day", Date, nullable=False),  # the day it counts for, in Beijing
    Column("reason", Text, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id")),  # what gave rise to it, where it was one case
    Column("state", String(10), nullable=False),  # pending | granted | refused | revoked
    Column("entered_by", String(60), nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("decided_by", String(60)),
    Column("decided_at", Instant),
    Column("opinion", Text),
    Column("revoked_by", String(60)),
    Column("revoked_at", Instant),
    Column("revoke_reason", Text),
    Index("ix_score_points_day", "process_key", "measure", "day"),
)
