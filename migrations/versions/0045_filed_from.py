"""Which case filed a case, so that it may tell it of its course; room for the name of such a sender."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("filed_from", sa.String(length=36), nullable=True))
    known = sa.text("filed_from is not null")
    op.create_index(
        "ix_cases_filed_from", "cases", ["filed_from"], postgresql_where=known, sqlite_where=known
    )
    with op.batch_alter_table("inbound") as batch_op:
        batch_op.alter_column("channel", existing_type=sa.String(length=60), type_=sa.String(length=70))


def downgrade() -> None:
    op.execute("delete from inbound where channel like 'process:%'")
    with op.batch_alter_table("inbound") as batch_op:
        batch_op.alter_column("channel", existing_type=sa.String(length=70), type_=sa.String(length=60))
    op.drop_index("ix_cases_filed_from", "cases")
    op.drop_column("cases", "filed_from")
