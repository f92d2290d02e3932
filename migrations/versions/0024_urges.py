"""催办: who urged a case, and when."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "urges",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_urges_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_urges"),
    )
    op.create_index("ix_urges_case", "urges", ["case_id", "at"])


def downgrade() -> None:
    op.drop_table("urges")
