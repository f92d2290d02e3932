"""What was suggested when a step was done, and what the person chose."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suggestions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("adviser", sa.String(length=60), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("chosen", sa.String(length=255), nullable=True),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_suggestions_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_suggestions"),
    )
    op.create_index("ix_suggestions_process", "suggestions", ["process_key", "step", "field"])
    op.create_index("ix_suggestions_case", "suggestions", ["case_id"])


def downgrade() -> None:
    op.drop_table("suggestions")
