"""Loose files: brought before there is a case."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "loose_files",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("uploader_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("mime", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sm3", sa.LargeBinary(), nullable=False),
        sa.Column("stored", sa.String(length=60), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_loose_files"),
        sa.UniqueConstraint("stored", name="uq_loose_files_stored"),
    )
    with op.batch_alter_table("loose_files", schema=None) as batch_op:
        batch_op.create_index("ix_loose_files_uploader", ["uploader_id", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("loose_files", schema=None) as batch_op:
        batch_op.drop_index("ix_loose_files_uploader")

    op.drop_table("loose_files")
