"""Tables of the inspection: what was found, the replies it has read, and the rules that were imported."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, text

from app.core.db import Id, Instant, Json, metadata

# One row a rule and case while it holds; a closed one stays and says how long it did.
findings = Table(
    "findings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("rule", String(60), nullable=False),
    Column("detect", String(40), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("unit", String(60)),  # whose it is to mend
    Column("facts", Json, nullable=False),  # what its sentence is made of
    Column("state", String(10), nullable=False),  # open | closed
    Column("found_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Index(
        "uq_findings_open",
        "rule",
        "case_id",
        unique=True,
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
    Index("ix_findings_state", "state", "id"),
)

# One row a reply that was given: how long it is without blanks and marks, and what it is alike.
replies = Table(
    "inspected_replies",
    metadata,
    Column("task_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("field", String(60), primary_key=True),
    Column("unit", String(60)),
    Column("at", Instant, nullable=False),
    Column("length", Integer, nullable=False),
    Column("likeness", String(64), nullable=False),  # SM3 of the text without blanks and marks
    Index("ix_inspected_replies_case", "case_id", "at"),
    Index("ix_inspected_replies_at", "at"),
    Index("ix_inspected_replies_like", "likeness", "at"),
)

# The rules as they were imported, each time whole; the newest are in force.
inspection_rules = Table(
    "inspection_rules",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("yaml", Text, nullable=False),
    Column("by_id", String(60), nullable=False),
    Column("at", Instant, nullable=False),
)
