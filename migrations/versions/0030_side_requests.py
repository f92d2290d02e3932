"""Side requests (延期, 挂账, 剔除, 督办 …), and the flags they set on their case."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

FLAGS = ("supervised", "on_hold", "excluded")


def upgrade() -> None:
    op.create_table(
        "case_requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(60), nullable=False),
        sa.Column("asked_by", sa.String(60), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.String(60)),
        sa.Column("decided_at", Instant()),
        sa.Column("opinion", sa.Text()),
        sa.ForeignKeyConstraint(["id"], ["cases.id"], name="fk_case_requests_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["cases.id"], name="fk_case_requests_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_requests"),
    )
    op.create_index("ix_case_requests_parent", "case_requests", ["parent_id", "id"])
    op.create_index("ix_case_requests_unit", "case_requests", ["unit", "kind", "id"])
    op.create_index("ix_case_requests_kind", "case_requests", ["kind", "state", "id"])
    for flag in FLAGS:
        op.add_column("cases", sa.Column(flag, sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_cases_supervised",
        "cases",
        ["id"],
        postgresql_where=sa.text("supervised and parent_id is null"),
        sqlite_where=sa.text("supervised and parent_id is null"),
    )


def downgrade() -> None:
    op.drop_index("ix_cases_supervised", "cases")
    for flag in reversed(FLAGS):
        op.drop_column("cases", flag)
    op.drop_table("case_requests")
