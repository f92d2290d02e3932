"""Who really asked for a request where a substitute did: the hand and how it is signed; four eyes count both."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_requests", sa.Column("hand_id", sa.String(length=60), nullable=True))
    op.add_column("case_requests", sa.Column("signature", sa.String(length=140), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("case_requests") as table:
        table.drop_column("signature")
        table.drop_column("hand_id")
