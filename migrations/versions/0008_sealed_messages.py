"""Messages are sealed, in and out.

What was kept in plain before is deleted; no release ever stored any.
"""

import sqlalchemy as sa
from alembic import op

from app.crypto.sealed import SealedBytes

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("delete from inbound")
    op.execute("delete from outbox")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_column("body")
        batch_op.add_column(sa.Column("body", SealedBytes(), nullable=False))


def downgrade() -> None:
    op.execute("delete from inbound")  # sealed, and nothing of then can open them
    op.execute("delete from outbox")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_column("body")
        batch_op.add_column(sa.Column("body", sa.Text(), nullable=False))
