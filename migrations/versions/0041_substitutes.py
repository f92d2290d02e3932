"""Substitutes: who acts for whom, who really did a task and how it is signed, the process of what lies around."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_HANDS = sa.text("hand_id is not null and done_by is not null")


def upgrade() -> None:
    op.create_table(
        "substitutions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("substitute_id", sa.String(length=36), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_until", Instant(), nullable=False),
        sa.Column("processes", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("set_by", sa.String(length=36), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=36), nullable=True),
        sa.Column("end_reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_substitutions_person"),
        sa.ForeignKeyConstraint(["substitute_id"], ["people.id"], name="fk_substitutions_substitute"),
        sa.PrimaryKeyConstraint("id", name="pk_substitutions"),
    )
    op.create_index("ix_substitutions_person", "substitutions", ["person_id", "valid_until"])
    op.create_index("ix_substitutions_substitute", "substitutions", ["substitute_id", "valid_until"])
    op.add_column("tasks", sa.Column("hand_id", sa.String(length=60), nullable=True))
    op.add_column("tasks", sa.Column("signature", sa.String(length=140), nullable=True))
    op.create_index(
        "ix_tasks_hand",
        "tasks",
        ["hand_id", "closed_at", "id"],
        postgresql_where=_HANDS,
        sqlite_where=_HANDS,
    )
    op.add_column("task_queue", sa.Column("process_key", sa.String(length=60), nullable=True))
    op.execute(
        "update task_queue set process_key = (select cases.process_key from tasks join cases"
        " on cases.id = tasks.case_id where tasks.id = task_queue.task_id)"
    )
    op.create_index("ix_task_queue_process", "task_queue", ["holder", "process_key", "rank"])
    op.create_index("ix_task_queue_process_due", "task_queue", ["holder", "process_key", "due_at", "task_id"])


def downgrade() -> None:
    op.drop_index("ix_task_queue_process_due", "task_queue")
    op.drop_index("ix_task_queue_process", "task_queue")
    with op.batch_alter_table("task_queue") as table:
        table.drop_column("process_key")
    op.drop_index("ix_tasks_hand", "tasks")
    op.drop_column("tasks", "signature")
    op.drop_column("tasks", "hand_id")
    op.drop_table("substitutions")
