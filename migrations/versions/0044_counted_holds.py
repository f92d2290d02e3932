"""Whether an order that is counted is on hold (挂账): it can be left out of what is assessed."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("counted_cases", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE counted_cases SET held = true WHERE case_id IN (SELECT id FROM cases WHERE on_hold)")


def downgrade() -> None:
    with op.batch_alter_table("counted_cases") as table:
        table.drop_column("held")
