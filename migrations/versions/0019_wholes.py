"""Which step or sub-process of several a task is one item of."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("whole", sa.String(length=20), nullable=True))


def downgrade() -> None:
    op.drop_column("tasks", "whole")
