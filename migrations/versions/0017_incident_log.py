"""Whom an incident is given to, and what people did with it."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incidents") as batch_op:
        batch_op.add_column(sa.Column("assignee_id", sa.String(length=60), nullable=True))
    op.create_table(
        "incident_log",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_id", sa.String(length=60), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("to_id", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_log_incident_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incident_log"),
    )
    op.create_index("ix_incident_log_incident", "incident_log", ["incident_id", "id"])


def downgrade() -> None:
    op.drop_table("incident_log")
    with op.batch_alter_table("incidents") as batch_op:
        batch_op.drop_column("assignee_id")
