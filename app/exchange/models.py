"""Tables of exchange: what came in, what goes out, how each partner's door answered lately."""

from datetime import timedelta

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.core.db import Id, Instant, metadata
from app.crypto.sealed import SealedBytes

KEPT = timedelta(days=30)
"""How long delivered messages are kept: the same message again is known so long."""

# One row a message received; one that reaches several waits has a row for each (`part`). The row is kept
# before anything happens because of it, and its state changes in the transaction of what it did.
inbound = Table(
    "inbound",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(70), nullable=False),  # the sender's login, or process:<key> of a case of ours
    Column("principal_id", Id, nullable=False),  # the sender's account, or that case
    Column("org_path", String(400), nullable=False),  # the sender's unit: who may see it while it has no case
    Column("message_id", String(120), nullable=False),
    Column("part", Integer, nullable=False),
    Column("name", String(120), nullable=False),
    Column("key", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),  # a keyed hash of what was sent
    Column("body", SealedBytes, nullable=False),  # its data, for all parts in one place: channel and id
    Column("state", String(10), nullable=False),  # received | delivered | parked | refused | expired
    Column("answered", String(10)),  # the state its sender was told: the same answer to the same message
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("ref", String(20)),  # the wait it is bound to, when it is one part of several
    Column("received_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("next_at", Instant),  # when to try again; none while it waits for somebody to wait for it
    Column("attempts", Integer, nullable=False),
    Column("settled_at", Instant),
    Column("last_error", Text),
    UniqueConstraint("channel", "message_id", "part", name="uq_inbound_message"),
    Index("ix_inbound_case", "case_id"),
    Index(
        "ix_inbound_parked",
        "name",
        "key",
        postgresql_where=text("state = 'parked'"),
        sqlite_where=text("state = 'parked'"),
    ),
    Index(
        "ix_inbound_due",
        "next_at",
        postgresql_where=text("state in ('received', 'parked')"),
        sqlite_where=text("state in ('received', 'parked')"),
    ),
    Index(
        "ix_inbound_expires",
        "expires_at",
        postgresql_where=text("state = 'parked'"),
        sqlite_where=text("state = 'parked'"),
    ),
    Index("ix_inbound_state", "state", "id"),
)

# One row a message that leaves. Its id is the one the receiver sees, the same at every try.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("endpoint", String(60), nullable=False),
    Column("seq", Integer, nullable=False),  # 1, 2, … within a case and an endpoint: sent in this order
    Column("message", String(120), nullable=False),
    Column("body", SealedBytes, nullable=False),
    Column("hash", String(64), nullable=False),  # of the body, as in the case's audit chain
    Column("state", String(10), nullable=False),  # pending | claimed | held | sent | dead | closed
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_by", String(120)),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("settled_at", Instant),
    Column("answer_status", Integer),
    Column("last_error", Text),
    Column("note", Text),  # why somebody closed it or had it sent again
    UniqueConstraint("endpoint", "case_id", "seq", name="uq_outbox_seq"),
    Index("ix_outbox_case", "case_id"),
    Index(
        "ix_outbox_due",
        "endpoint",
        "next_at",
        postgresql_where=text("state in ('pending', 'claimed')"),
        sqlite_where=text("state in ('pending', 'claimed')"),
    ),
    Index(
        "ix_outbox_open",
        "endpoint",
        "case_id",
        "seq",
        postgresql_where=text("state not in ('sent', 'closed')"),
        sqlite_where=text("state not in ('sent', 'closed')"),
    ),
    Index("ix_outbox_state", "state", "id"),
)

# How a partner's door answered lately: after several failures in a row nobody knocks for a while.
endpoint_health = Table(
    "endpoint_health",
    metadata,
    Column("endpoint", String(60), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("closed_until", Instant),
    Column("answered_at", Instant),
    Column("last_error", Text),
)
