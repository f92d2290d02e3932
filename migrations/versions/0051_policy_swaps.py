"""Running cases go over to newer policies: which one a case and a clock go by; who asked, and the reports."""

import sqlalchemy as sa
from alembic import op

from app.core import dialects
from app.core.types import Id, Instant, Json

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("policy_version", sa.String(length=64), nullable=True))
    op.add_column("clocks", sa.Column("policy_version", sa.String(length=64), nullable=True))
    op.add_column("clocks", sa.Column("policy_since", Instant(), nullable=True))
    op.create_table(
        "policy_swaps",
        sa.Column("id", Id, nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("within", Json, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("called", sa.String(length=60), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_policy_swaps"),
    )
    running = sa.text("state = 'running'")
    op.create_index(
        "uq_policy_swaps_running",
        "policy_swaps",
        ["process_key"],
        unique=True,
        postgresql_where=running,
        sqlite_where=running,
    )
    op.create_table(
        "policy_swap_cases",
        sa.Column("swap_id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("was", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=True),
        sa.Column("clocks", Json, nullable=False),
        sa.ForeignKeyConstraint(["swap_id"], ["policy_swaps.id"], name="fk_policy_swap_cases_swap"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_policy_swap_cases_case"),
        sa.PrimaryKeyConstraint("swap_id", "case_id", name="pk_policy_swap_cases"),
    )
    for statement in dialects.append_only(op.get_bind().dialect.name, "policy_swap_cases"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("policy_swap_cases")
    op.drop_table("policy_swaps")
    op.drop_column("clocks", "policy_since")
    op.drop_column("clocks", "policy_version")
    op.drop_column("cases", "policy_version")
