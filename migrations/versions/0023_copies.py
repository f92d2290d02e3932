"""抄送 with 已阅; who suspended a case, and when."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "copies",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_copies_case_id"),
        sa.PrimaryKeyConstraint("case_id", "person_id", name="pk_copies"),
    )
    op.add_column("cases", sa.Column("suspended_by", sa.String(length=60), nullable=True))
    op.add_column("cases", sa.Column("suspended_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("cases", "suspended_at")
    op.drop_column("cases", "suspended_by")
    op.execute("delete from case_access where reason = 'cc'")
    op.drop_table("copies")
