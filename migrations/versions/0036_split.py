"""拆分: several rows may keep the same bytes."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attachments") as table:
        table.drop_constraint("uq_attachments_stored", type_="unique")
        table.create_index("ix_attachments_stored", ["stored"])


def downgrade() -> None:
    """Refused by the database where a split case has files: its parts would lose them."""
    with op.batch_alter_table("attachments") as table:
        table.drop_index("ix_attachments_stored")
        table.create_unique_constraint("uq_attachments_stored", ["stored"])
