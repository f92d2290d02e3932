"""Several rows of one ref: who works for whom (委派, 交办, 加签)."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    with op.batch_alter_table("tasks") as batch_op:
        batch_op.add_column(sa.Column("seat", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("part", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("under_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("stacked", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.drop_constraint("uq_tasks_ref", type_="unique")
        batch_op.create_unique_constraint("uq_tasks_ref", ["case_id", "ref", "seat"])
    op.create_index(
        "ix_tasks_waiting",
        "tasks",
        ["assignee_id", "id"],
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )


def downgrade() -> None:
    op.drop_index("ix_tasks_waiting", "tasks")
    op.execute("delete from task_queue where task_id in (select id from tasks where part is not null)")
    op.execute("delete from tasks where seat > 0")
    op.execute("update tasks set state = 'claimed' where state = 'waiting'")
    with op.batch_alter_table("tasks") as batch_op:
        batch_op.drop_constraint("uq_tasks_ref", type_="unique")
        batch_op.create_unique_constraint("uq_tasks_ref", ["case_id", "ref"])
        for name in ("stacked", "under_id", "part", "seat"):
            batch_op.drop_column(name)
