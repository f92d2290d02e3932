"""What a case waits for, what is filled in per item, refused dispatches, who owns a case."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_items",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=120), nullable=True),
        sa.Column("value", Json(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_items_case_id"),
        sa.PrimaryKeyConstraint("case_id", "name", "round", "place", name="pk_case_items"),
    )
    op.create_table(
        "waits",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("ref", sa.String(length=20), nullable=False),
        sa.Column("root_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("element", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_waits_case_id"),
        sa.PrimaryKeyConstraint("case_id", "ref", name="pk_waits"),
    )
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.create_index("ix_waits_key", ["name", "key", "opened_at"], unique=False)

    op.create_table(
        "rejections",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("suggested_unit", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_rejections_case_id"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_rejections_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rejections"),
    )
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.create_index("ix_rejections_case_id", ["case_id"], unique=False)

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("instructed", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("children_open", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("children_born", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("owner_unit", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("merged_into", sa.String(length=36), nullable=True))

    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("transfers", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_column("transfers")
        batch_op.drop_column("place")

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_column("merged_into")
        batch_op.drop_column("owner_unit")
        batch_op.drop_column("children_born")
        batch_op.drop_column("children_open")
        batch_op.drop_column("instructed")

    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.drop_index("ix_rejections_case_id")

    op.drop_table("rejections")
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.drop_index("ix_waits_key")

    op.drop_table("waits")
    op.drop_table("case_items")
