"""Where a district lies: the corners of its border."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Json

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("units", sa.Column("boundary", Json(), nullable=True))


def downgrade() -> None:
    op.drop_column("units", "boundary")
