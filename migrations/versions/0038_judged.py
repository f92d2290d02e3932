"""What a visit said of an order, beside what is counted of it (响应率, 解决率, 满意率)."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

JUDGED = ("responded", "reached", "solved", "satisfied")


def upgrade() -> None:
    for name in JUDGED:
        op.add_column("counted_cases", sa.Column(name, sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("counted_cases") as table:
        for name in JUDGED:
            table.drop_column(name)
