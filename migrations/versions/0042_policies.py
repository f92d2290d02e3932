"""Policies: a row for each time the clocks of a process were changed."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("files", Json(), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("published_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["process_versions.id"], name="fk_policies_version"),
        sa.PrimaryKeyConstraint("process_key", "number", name="pk_policies"),
    )


def downgrade() -> None:
    op.drop_table("policies")
