"""Statistics: what happened in a place is found by an index, for those who see one unit of many."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_counted_cases_place",
        "counted_cases",
        ["org_path"],
        postgresql_ops={"org_path": "varchar_pattern_ops"},
    )


def downgrade() -> None:
    op.drop_index("ix_counted_cases_place", "counted_cases")
