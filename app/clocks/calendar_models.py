"""Tables of the calendars: what was announced of each year of a region; a later version stands beside it."""

from sqlalchemy import Column, Date, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, String, Table

from app.core.db import Instant, Json, metadata

calendars = Table(
    "calendars",
    metadata,
    Column("region", String(20), primary_key=True),
    Column("name", String(60), nullable=False),
    # Of the newest year below. Numbers are counted for the whole house: a region that follows another one is
    # at the higher of the two.
    Column("version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    # The region whose days hold but for those below; decided once. None: the years below are whole.
    Column("follows", String(20)),
)

calendar_years = Table(
    "calendar_years",
    metadata,
    Column("region", String(20)),
    Column("year", Integer),
    Column("version", Integer),
    Column("source", String(200), nullable=False),  # who announced it
    Column("hours", Json, nullable=False),  # the usual working hours: ["09:00-12:00", …]
    Column("at", Instant, nullable=False),
    Column("actor_id", String(60), nullable=False),
    PrimaryKeyConstraint("region", "year", "version", name="pk_calendar_years"),
)

calendar_days = Table(
    "calendar_days",
    metadata,
    Column("region", String(20)),
    Column("year", Integer),
    Column("version", Integer),
    Column("day", Date),
    Column("kind", String(10), nullable=False),  # as calendar.KINDS says; any other day is as its weekday
    Column("name", String(60), nullable=False),
    Column("hours", Json),  # its own working hours
    PrimaryKeyConstraint("region", "year", "version", "day", name="pk_calendar_days"),
    ForeignKeyConstraint(
        ["region", "year", "version"],
        ["calendar_years.region", "calendar_years.year", "calendar_years.version"],
        name="fk_calendar_days_year",
    ),
)
