"""Tables of swaps: who asked that running cases go over to a newer policy, and what came of each case."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, text

from app.audit.guards import append_only
from app.core.db import Id, Instant, Json, metadata

_RUNNING = text("state = 'running'")

policy_swaps = Table(
    "policy_swaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("process_key", String(60), nullable=False),
    Column("number", Integer, nullable=False),  # the policy they go over to
    Column("version_id", String(64), nullable=False),  # which version brought it
    Column("within", Json),  # paths of the units below which cases are moved; none: the whole house
    Column("reason", String(500), nullable=False),
    Column("asked_by", String(60), nullable=False),
    Column("called", String(60), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),  # running | done
    Column("ended_at", Instant),
    # One at a time for each process.
    Index(
        "uq_policy_swaps_running",
        "process_key",
        unique=True,
        postgresql_where=_RUNNING,
        sqlite_where=_RUNNING,
    ),
)

policy_swap_cases = append_only(
    Table(
        "policy_swap_cases",
        metadata,
        Column("swap_id", Id, ForeignKey("policy_swaps.id", name="fk_policy_swap_cases_swap")),
        Column("case_id", Id, ForeignKey("cases.id", name="fk_policy_swap_cases_case")),
        Column("at", Instant, nullable=False),
        Column("was", Integer),  # the policy that it left
        Column("why", String(500)),  # why it could not be moved; none: it was
        Column("clocks", Json, nullable=False),  # as verbs/swap_policy.py tells each
        PrimaryKeyConstraint("swap_id", "case_id", name="pk_policy_swap_cases"),
    )
)
