"""巡检: findings, the replies that were read, rules that were imported; indexes over what is open."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

OPEN = "state in ('open', 'claimed')"
INDEXES = (
    ("ix_tasks_step", "tasks", ["step", "opened_at"], OPEN),
    ("ix_tasks_step_done", "tasks", ["step", "closed_at"], "state = 'done'"),
    ("ix_clocks_due", "clocks", ["name", "due_at"], "state = 'running'"),
    ("ix_urges_at", "urges", ["at"], None),
    ("ix_rejections_asked", "rejections", ["asked_at"], None),
)


def upgrade() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("detect", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_findings_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
    )
    still = sa.text("state = 'open'")
    op.create_index(
        "uq_findings_open",
        "findings",
        ["rule", "case_id"],
        unique=True,
        postgresql_where=still,
        sqlite_where=still,
    )
    op.create_index("ix_findings_state", "findings", ["state", "id"])
    op.create_index("ix_findings_case_id", "findings", ["case_id"])
    op.create_table(
        "inspected_replies",
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("likeness", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_inspected_replies_case_id"),
        sa.PrimaryKeyConstraint("task_id", "field", name="pk_inspected_replies"),
    )
    op.create_index("ix_inspected_replies_case", "inspected_replies", ["case_id", "at"])
    op.create_index("ix_inspected_replies_at", "inspected_replies", ["at"])
    op.create_index("ix_inspected_replies_like", "inspected_replies", ["likeness", "at"])
    op.create_table(
        "inspection_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_inspection_rules"),
    )
    for name, table, columns, where in INDEXES:
        part = sa.text(where) if where else None
        op.create_index(name, table, columns, postgresql_where=part, sqlite_where=part)


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
    op.drop_table("inspection_rules")
    op.drop_table("inspected_replies")
    op.drop_table("findings")
