"""Frozen months: the numbers of a month as they were, with the cases that each was made of; append-only."""

import sqlalchemy as sa
from alembic import op

from app.core import dialects
from app.core.types import Id, Instant, Json

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "frozen_months",
        sa.Column("id", Id, nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("calendar", sa.Integer(), nullable=True),
        sa.Column("frozen_at", Instant(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["process_versions.id"], name="fk_frozen_months_version"),
        sa.PrimaryKeyConstraint("id", name="pk_frozen_months"),
        sa.UniqueConstraint("process_key", "month", name="uq_frozen_months"),
    )
    op.create_table(
        "frozen_groups",
        sa.Column("id", Id, nullable=False),
        sa.Column("month_id", Id, nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("place", sa.String(length=60), nullable=True),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("sums", Json(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["month_id"], ["frozen_months.id"], name="fk_frozen_groups_month"),
        sa.PrimaryKeyConstraint("id", name="pk_frozen_groups"),
    )
    op.create_index("ix_frozen_groups_month_id", "frozen_groups", ["month_id"])
    for table in ("frozen_months", "frozen_groups"):
        for statement in dialects.append_only(op.get_bind().dialect.name, table):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("frozen_groups")
    op.drop_table("frozen_months")
