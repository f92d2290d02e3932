"""Reads of publications: who looked on a day that is not over, and how many did on the days that are."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publication_readers",
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_readers_of"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_publication_readers_person"),
        sa.PrimaryKeyConstraint("publication_id", "day", "person_id", name="pk_publication_readers"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_publication_readers_day", "publication_readers", ["day"])
    op.create_table(
        "publication_reads",
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_reads_of"),
        sa.PrimaryKeyConstraint("publication_id", "day", name="pk_publication_reads"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_index("ix_publication_readers_day", "publication_readers")
    op.drop_table("publication_readers")
    op.drop_table("publication_reads")
