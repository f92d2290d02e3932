"""How far along the roll of a poll people were told of it."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "poll_tellings",
        sa.Column("poll_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("reached", sa.String(length=36), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["poll_id"], ["polls.id"], name="fk_poll_tellings_poll"),
        sa.PrimaryKeyConstraint("poll_id", "event", name="pk_poll_tellings"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("poll_tellings")
