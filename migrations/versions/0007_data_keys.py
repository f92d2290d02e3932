"""Data keys; answers kept for repeated requests are sealed from here on.

What was kept in plain before is deleted: a request repeated across this one step would be carried out again.
No release ever stored any.
"""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kek_id", sa.String(length=20), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_keys"),
        sa.UniqueConstraint("subject", "purpose", "generation", name="uq_data_keys_subject"),
        sqlite_autoincrement=True,
    )
    op.execute("delete from idempotency")


def downgrade() -> None:
    op.execute("delete from idempotency")  # sealed, and the keys go
    op.drop_table("data_keys")
