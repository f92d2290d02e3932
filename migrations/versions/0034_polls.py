"""Polls of residents: what is voted on, who may vote, who has, and ballots that lead to nobody."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "polls",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("org_path", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("quorum", sa.String(length=20), nullable=False),
        sa.Column("passes", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("result", sa.String(length=10), nullable=True),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_polls"),
        sa.UniqueConstraint("case_id", "name", "attempt", name="uq_polls_name"),
    )
    op.create_index("ix_polls_state", "polls", ["state", "id"])
    op.create_table(
        "poll_matters",
        sa.Column("poll_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("abstention", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls.id"], name="fk_poll_matters_poll"),
        sa.PrimaryKeyConstraint("poll_id", "place", name="pk_poll_matters"),
    )
    op.create_table(
        "poll_roll",
        sa.Column("poll_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("recused_by", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_poll_roll_person"),
        sa.ForeignKeyConstraint(["poll_id"], ["polls.id"], name="fk_poll_roll_poll"),
        sa.PrimaryKeyConstraint("poll_id", "person_id", name="pk_poll_roll"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_poll_roll_person", "poll_roll", ["person_id", "poll_id"])
    op.create_table(
        "poll_voters",
        sa.Column("poll_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("entered_by", sa.String(length=60), nullable=True),
        sa.Column("proof_id", sa.String(length=36), nullable=True),
        sa.Column("voted_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_poll_voters_person"),
        sa.ForeignKeyConstraint(["poll_id"], ["polls.id"], name="fk_poll_voters_poll"),
        sa.PrimaryKeyConstraint("poll_id", "person_id", name="pk_poll_voters"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "poll_ballots",
        sa.Column("poll_id", sa.String(length=36), nullable=False),
        sa.Column("matter", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["poll_id"], ["polls.id"], name="fk_poll_ballots_poll"),
        sa.PrimaryKeyConstraint("poll_id", "matter", "receipt", "choice", name="pk_poll_ballots"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "poll_boxes",
        sa.Column("poll_id", sa.String(length=36), nullable=False),
        sa.Column("ballots", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls.id"], name="fk_poll_boxes_poll"),
        sa.PrimaryKeyConstraint("poll_id", name="pk_poll_boxes"),
    )


def downgrade() -> None:
    for table in ("poll_boxes", "poll_ballots", "poll_voters", "poll_roll", "poll_matters", "polls"):
        op.drop_table(table)
