"""Kept phrases (常用语)."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phrases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("holder", sa.String(length=320), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=True),
        sa.Column("author_id", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("process", sa.String(length=60), nullable=True),
        sa.Column("step", sa.String(length=60), nullable=True),
        sa.Column("field", sa.String(length=60), nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_phrases"),
    )
    op.create_index("ix_phrases_holder", "phrases", ["holder", "id"])


def downgrade() -> None:
    op.drop_table("phrases")
