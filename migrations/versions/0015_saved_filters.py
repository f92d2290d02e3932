"""Saved filters, and whom they are shared with."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("content", Json(), nullable=False),
        sa.Column("share", Json(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_filters"),
    )
    op.create_index("ix_saved_filters_owner", "saved_filters", ["owner_id", "id"])
    op.create_table(
        "filter_shares",
        sa.Column("holder", sa.String(length=270), nullable=False),
        sa.Column("filter_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["filter_id"], ["saved_filters.id"], name="fk_filter_shares_filter_id"),
        sa.PrimaryKeyConstraint("holder", "filter_id", name="pk_filter_shares"),
    )
    op.create_index("ix_filter_shares_filter", "filter_shares", ["filter_id"])


def downgrade() -> None:
    op.drop_table("filter_shares")
    op.drop_table("saved_filters")
