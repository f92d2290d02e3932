"""Residents: who they are, sealed, and the communities they belong to."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_LIVE = sa.text("state in ('pending', 'approved')")


def upgrade() -> None:
    op.create_table(
        "residents",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(length=16), nullable=True),
        sa.Column("phone_last", sa.LargeBinary(length=16), nullable=True),
        sa.Column("id_number", sa.LargeBinary(length=16), nullable=True),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("registered_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.id"], name="fk_residents_key"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_residents_person"),
        sa.PrimaryKeyConstraint("person_id", name="pk_residents"),
    )
    op.create_index("ix_residents_phone", "residents", ["phone"])
    op.create_index("ix_residents_phone_last", "residents", ["phone_last"])
    op.create_index("uq_residents_id_number", "residents", ["id_number"], unique=True)
    op.create_table(
        "memberships",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("unit_id", sa.String(length=36), nullable=False),
        sa.Column("unit_path", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("household", sa.String(length=10), nullable=True),
        sa.Column("tenure", sa.String(length=10), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("moves_id", sa.String(length=36), nullable=True),
        sa.Column("applied_at", Instant(), nullable=False),
        sa.Column("applied_by", sa.String(length=60), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["moves_id"], ["memberships.id"], name="fk_memberships_moves"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_memberships_person"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_memberships_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_person", "memberships", ["person_id", "id"])
    op.create_index("ix_memberships_unit", "memberships", ["unit_path", "state", "id"])
    op.create_index(
        "uq_memberships_live",
        "memberships",
        ["person_id", "unit_id"],
        unique=True,
        postgresql_where=_LIVE,
        sqlite_where=_LIVE,
    )


def downgrade() -> None:
    op.drop_table("memberships")
    op.drop_table("residents")
