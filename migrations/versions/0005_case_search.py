"""The words of cases for searching, and facts by how they begin."""

import sqlalchemy as sa
from alembic import op

from app.core import dialects

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_search",
        sa.Column(
            "slot",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("words", dialects.SearchWords(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_search_case_id"),
        sa.PrimaryKeyConstraint("slot", name="pk_case_search"),
        sa.UniqueConstraint("case_id", name="uq_case_search_case_id"),
    )
    for line in dialects.full_text(op.get_bind().dialect.name, "case_search", "slot", "words"):
        op.execute(line)
    op.create_index(
        "ix_case_facts_begin",
        "case_facts",
        ["as_text", "case_id"],
        postgresql_ops={"as_text": "varchar_pattern_ops"},
    )


def downgrade() -> None:
    op.drop_index("ix_case_facts_begin", "case_facts")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"drop table {dialects.full_text_index('case_search')}")
    op.drop_table("case_search")
