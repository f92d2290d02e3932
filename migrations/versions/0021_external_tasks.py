"""External tasks, and which topics a service account may fetch."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OFFERED = sa.text("next_at is not null")


def upgrade() -> None:
    op.create_table(
        "account_topics",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_account_topics_person"),
        sa.PrimaryKeyConstraint("person_id", "topic", name="pk_account_topics"),
    )
    op.create_table(
        "external_tasks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("ref", sa.String(length=20), nullable=False),
        sa.Column("element", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("org_path", sa.String(length=400), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("variables", Json(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("account_id", sa.String(length=60), nullable=True),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("lock_until", Instant(), nullable=True),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_details", sa.Text(), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_external_tasks_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_external_tasks"),
        sa.UniqueConstraint("case_id", "ref", name="uq_external_tasks_ref"),
    )
    for name, columns in (
        ("ix_external_tasks_due", ["topic", "next_at", "id"]),
        ("ix_external_tasks_urgent", ["topic", "rank", "next_at", "id"]),
    ):
        op.create_index(name, "external_tasks", columns, postgresql_where=OFFERED, sqlite_where=OFFERED)
    op.create_index("ix_external_tasks_state", "external_tasks", ["state", "id"])


def downgrade() -> None:
    op.drop_table("external_tasks")
    op.drop_table("account_topics")
