"""Which tiers of clocks hold now, found without looking at every case."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

HOLDS = sa.text("kind = 'flag' and state = 'fired'")


def upgrade() -> None:
    op.create_index(
        "ix_timers_reached",
        "timers",
        ["tier", "key"],
        postgresql_where=HOLDS,
        sqlite_where=HOLDS,
    )


def downgrade() -> None:
    op.drop_index("ix_timers_reached", table_name="timers")
