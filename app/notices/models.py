"""Tables of notices: what people are told, what each wants to hear and how, what goes over channels."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from app.core.db import Id, Instant, Json, metadata

LONGEST = 500
"""Characters of a notice."""

# One row a person and thing told. Nobody is told before `tell_at`: rows of the night lie ready until people
# work. Case and people are named without a foreign key: whoever moves that case now must not be waited for.
notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", Id, nullable=False),
    Column("kind", String(40), nullable=False),  # a class of bpmn/_notices.yaml
    Column("case_id", Id),
    Column("key", String(160), nullable=False),  # what it is about, exactly: the same thing is told once
    Column("text", String(LONGEST), nullable=False),
    Column("by_id", String(60), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("tell_at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("folded_into", Id),  # the notice that stands for it and for others
    Column("count", Integer, nullable=False, server_default="1"),  # how many notices it stands for
    Column("state", String(10), nullable=False),  # new | told: a channel has been looked for, or none is
    UniqueConstraint("person_id", "kind", "key", name="uq_notices_key"),
    Index("ix_notices_mailbox", "person_id", "tell_at", "id"),
    Index("ix_notices_folded", "folded_into"),
    Index(
        "ix_notices_unread",
        "person_id",
        "kind",
        postgresql_where=text("read_at is null"),
        sqlite_where=text("read_at is null"),
    ),
    Index(
        "ix_notices_new",
        "tell_at",
        "id",
        postgresql_where=text("state = 'new'"),
        sqlite_where=text("state = 'new'"),
    ),
)

# What somebody wants to hear of, or no more: only where that differs from bpmn/_notices.yaml.
notice_choices = Table(
    "notice_choices",
    metadata,
    Column("person_id", Id, primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("wanted", Boolean, nullable=False),
)

# How somebody is told: over which channels beside the mailbox, and whether also outside working hours.
notice_settings = Table(
    "notice_settings",
    metadata,
    Column("person_id", Id, primary_key=True),
    Column("channels", Json, nullable=False),
    Column("digest", Boolean, nullable=False),  # several at once come as one
    Column("quiet", Boolean, nullable=False),  # outside working hours only what is urgent
    Column("revision", Integer, nullable=False),
)

# One row a notice and channel. Its id is the one the channel sees, the same at every try.
notice_deliveries = Table(
    "notice_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notice_id", Id, ForeignKey("notices.id"), nullable=False),
    Column("person_id", Id, nullable=False),
    Column("channel", String(40), nullable=False),
    Column("state", String(10), nullable=False),  # pending | claimed | sent | dead
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_by", String(120)),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("last_error", String(200)),
    UniqueConstraint("notice_id", "channel", name="uq_notice_deliveries_channel"),
    Index("ix_notice_deliveries_state", "state", "id"),
    Index(
        "ix_notice_deliveries_due",
        "channel",
        "next_at",
        postgresql_where=text("state in ('pending', 'claimed')"),
        sqlite_where=text("state in ('pending', 'claimed')"),
    ),
)
