"""Statistics: one narrow row for each case that is counted."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counted_cases",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("org_path", sa.String(length=400), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("category", sa.String(length=121), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("dispatched_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("met_at", Instant(), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_counted_cases_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_counted_cases"),
    )
    op.create_index("ix_counted_cases_received", "counted_cases", ["received_at"])
    op.create_index("ix_counted_cases_dispatched", "counted_cases", ["dispatched_at"])
    op.create_index("ix_counted_cases_unit", "counted_cases", ["unit", "received_at"])


def downgrade() -> None:
    op.drop_table("counted_cases")
