"""Where a unit is found: its position on the map, address and phone, for stations that serve people."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("units", sa.Column("lng", sa.Float(), nullable=True))
    op.add_column("units", sa.Column("lat", sa.Float(), nullable=True))
    op.add_column("units", sa.Column("address", sa.String(length=100), nullable=True))
    op.add_column("units", sa.Column("phone", sa.String(length=40), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("units") as table:
        for name in ("phone", "address", "lat", "lng"):
            table.drop_column(name)
