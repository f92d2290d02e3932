"""群众不满意: whether the one whom a case is about is satisfied."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_UNSATISFIED = sa.text("unsatisfied")


def upgrade() -> None:
    op.add_column("cases", sa.Column("unsatisfied", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_cases_unsatisfied",
        "cases",
        ["id"],
        postgresql_where=_UNSATISFIED,
        sqlite_where=_UNSATISFIED,
    )


def downgrade() -> None:
    op.drop_index("ix_cases_unsatisfied", "cases")
    op.drop_column("cases", "unsatisfied")
