"""Working calendars by region: a calendar may follow another one, a unit may name its own, a clock keeps whose."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

LIVE = sa.text("calendar is not null and state <> 'stopped'")
INDEX = "ix_clocks_calendar"


def upgrade() -> None:
    for table, column in (("calendars", "follows"), ("units", "region"), ("clocks", "region")):
        op.add_column(table, sa.Column(column, sa.String(length=20), nullable=True))
    _index("region", "calendar", "case_id")


def downgrade() -> None:
    """Calendars that follow another one stay, as if they were whole."""
    _index("calendar", "case_id")
    for table, column in (("calendars", "follows"), ("units", "region"), ("clocks", "region")):
        op.drop_column(table, column)


def _index(*columns: str) -> None:
    op.drop_index(INDEX, table_name="clocks")
    op.create_index(INDEX, "clocks", list(columns), postgresql_where=LIVE, sqlite_where=LIVE)
