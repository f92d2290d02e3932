"""Lists of a person: what is due, what somebody started, handled to the end, follows or keeps."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NO_POOL = "reason <> 'pool'"


def upgrade() -> None:
    with op.batch_alter_table("task_queue") as batch_op:
        batch_op.add_column(sa.Column("due_at", Instant(), nullable=True))
        batch_op.create_index("ix_task_queue_due", ["holder", "due_at", "task_id"])
    op.execute(
        "update task_queue set due_at = (select tasks.due_at from tasks where tasks.id = task_queue.task_id)"
    )
    op.create_table(
        "favourites",
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_favourites_case_id"),
        sa.PrimaryKeyConstraint("person_id", "case_id", name="pk_favourites"),
    )
    op.create_index(
        "ix_case_access_reason",
        "case_access",
        ["holder", "reason", "case_id"],
        postgresql_where=sa.text(NO_POOL),
        sqlite_where=sa.text(NO_POOL),
    )
    op.execute(
        "insert into case_access (case_id, holder, reason) "
        "select case_id, 'person:' || actor_id, 'started' from case_chain "
        "where seq = 1 and actor_id <> 'system'"
    )
    op.execute(
        "update case_access set reason = 'closed' where reason = 'handled' "
        "and case_id in (select id from cases where state <> 'active')"
    )


def downgrade() -> None:
    op.execute("delete from case_access where reason in ('started', 'followed')")
    op.execute("update case_access set reason = 'handled' where reason = 'closed'")
    op.drop_index("ix_case_access_reason", "case_access")
    op.drop_table("favourites")
    with op.batch_alter_table("task_queue") as batch_op:
        batch_op.drop_index("ix_task_queue_due")
        batch_op.drop_column("due_at")
