"""Working calendars by region and year, and which clocks hang on them."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

LIVE = sa.text("calendar is not null and state <> 'stopped'")


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("region", name="pk_calendars"),
    )
    op.create_table(
        "calendar_years",
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("hours", Json(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_id", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("region", "year", "version", name="pk_calendar_years"),
    )
    op.create_table(
        "calendar_days",
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("hours", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["region", "year", "version"],
            ["calendar_years.region", "calendar_years.year", "calendar_years.version"],
            name="fk_calendar_days_year",
        ),
        sa.PrimaryKeyConstraint("region", "year", "version", "day", name="pk_calendar_days"),
    )
    op.add_column("clocks", sa.Column("calendar", sa.Integer(), nullable=True))
    op.create_index(
        "ix_clocks_calendar",
        "clocks",
        ["calendar", "case_id"],
        postgresql_where=LIVE,
        sqlite_where=LIVE,
    )


def downgrade() -> None:
    op.drop_index("ix_clocks_calendar", table_name="clocks")
    op.drop_column("clocks", "calendar")
    op.drop_table("calendar_days")
    op.drop_table("calendar_years")
    op.drop_table("calendars")
