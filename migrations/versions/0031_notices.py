"""Notices: what people are told, what each wants to hear and how, what is carried to them outside."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = ("notice_deliveries", "notices", "notice_settings", "notice_choices")


def upgrade() -> None:
    op.create_table(
        "notice_choices",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "kind", name="pk_notice_choices"),
    )
    op.create_table(
        "notice_settings",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("channels", Json(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_notice_settings"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("tell_at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.Column("folded_into", sa.String(length=36), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("person_id", "kind", "key", name="uq_notices_key"),
    )
    op.create_index("ix_notices_mailbox", "notices", ["person_id", "tell_at", "id"])
    op.create_index("ix_notices_folded", "notices", ["folded_into"])
    _partial("ix_notices_unread", "notices", ["person_id", "kind"], "read_at is null")
    _partial("ix_notices_new", "notices", ["tell_at", "id"], "state = 'new'")
    op.create_table(
        "notice_deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("notice_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("lease_by", sa.String(length=120), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_notice_deliveries_notice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_deliveries"),
        sa.UniqueConstraint("notice_id", "channel", name="uq_notice_deliveries_channel"),
    )
    op.create_index("ix_notice_deliveries_state", "notice_deliveries", ["state", "id"])
    waiting = "state in ('pending', 'claimed')"
    _partial("ix_notice_deliveries_due", "notice_deliveries", ["channel", "next_at"], waiting)
    _partial("ix_tasks_opened", "tasks", ["opened_at", "id"], "state = 'open'")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    op.drop_index("ix_tasks_opened", "tasks")
    for table in TABLES:
        op.drop_table(table)
