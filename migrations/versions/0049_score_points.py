"""Points of scores (加分、扣分): entered, granted by somebody else, taken back."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Id, Instant

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "score_points",
        sa.Column("id", Id, nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("measure", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("entered_by", sa.String(length=60), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("revoked_by", sa.String(length=60), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_score_points_case"),
        sa.PrimaryKeyConstraint("id", name="pk_score_points"),
    )
    op.create_index("ix_score_points_day", "score_points", ["process_key", "measure", "day"])


def downgrade() -> None:
    op.drop_table("score_points")
