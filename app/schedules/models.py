"""The table of schedules: when each is due next, who is at it, and how it went the last time."""

from sqlalchemy import Column, Float, Integer, String, Table

from app.core.db import Instant, metadata

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("next_at", Instant, nullable=False),  # by the clock of the house, which a demo may move
    Column("lease_by", String(36)),  # one run; none while nobody is at it
    Column("lease_until", Instant),  # by the database's clock
    Column("last_at", Instant),
    Column("last_seconds", Float),
    Column("last_error", String(120)),  # a class, never what it said
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
)
