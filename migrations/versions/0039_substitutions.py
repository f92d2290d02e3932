"""Substitutes: who acts for whom, from and until, for which processes."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "substitutions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("substitute_id", sa.String(length=36), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_until", Instant(), nullable=False),
        sa.Column("processes", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("set_by", sa.String(length=36), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=36), nullable=True),
        sa.Column("end_reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_substitutions_person"),
        sa.ForeignKeyConstraint(["substitute_id"], ["people.id"], name="fk_substitutions_substitute"),
        sa.PrimaryKeyConstraint("id", name="pk_substitutions"),
    )
    op.create_index("ix_substitutions_person", "substitutions", ["person_id", "valid_until"])
    op.create_index("ix_substitutions_substitute", "substitutions", ["substitute_id", "valid_until"])


def downgrade() -> None:
    op.drop_table("substitutions")
