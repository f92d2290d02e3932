"""Tables of the organisation: units, people, roles, appointments, tokens, who was let into one case."""

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from app.core.db import Id, Instant, Json, metadata

TIERS = ("district", "street", "community", "grid", "department", "site")

units = Table(
    "units",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(60), nullable=False),
    Column("name", String(100), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("tier", String(20), nullable=False),
    Column("parent_id", Id, ForeignKey("units.id", name="fk_units_parent")),
    # The codes from the root down, joined by "/": a prefix is a subtree.
    Column("path", String(255), nullable=False),
    # The working calendar that counts here and below; none: as above, at the top that of the house.
    Column("region", String(20)),
    # Of a district: its corners, [longitude, latitude] each; positions of its cases lie within.
    Column("boundary", Json),
    # Of a place where people are served: where it is found on the map.
    Column("lng", Float),
    Column("lat", Float),
    Column("address", String(100)),
    Column("phone", String(40)),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    UniqueConstraint("code", name="uq_units_code"),
    UniqueConstraint("path", name="uq_units_path"),
)

people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("login", String(60), nullable=False),
    Column("name", String(60), nullable=False),
    Column("kind", String(10), nullable=False),  # person | service | resident
    Column("password_hash", String(200)),
    Column("state", String(10), nullable=False),  # active | disabled
    UniqueConstraint("login", name="uq_people_login"),
)

roles = Table(
    "roles",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("name", String(60), nullable=False),
)

role_permissions = Table(
    "role_permissions",
    metadata,
    Column("role", String(40), ForeignKey("roles.key", name="fk_role_permissions_role")),
    Column("permission", String(40)),
    PrimaryKeyConstraint("role", "permission", name="pk_role_permissions"),
)

appointments = Table(
    "appointments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", Id, ForeignKey("people.id", name="fk_appointments_person"), nullable=False),
    Column("role", String(40), ForeignKey("roles.key", name="fk_appointments_role"), nullable=False),
    Column("unit_id", Id, ForeignKey("units.id", name="fk_appointments_unit"), nullable=False),
    Column("unit_path", String(255), nullable=False),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Index("ix_appointments_person", "person_id"),
    Index("ix_appointments_pool", "role", "unit_path"),
)

# Topics of work done outside (external tasks) that a service account may fetch.
account_topics = Table(
    "account_topics",
    metadata,
    Column("person_id", Id, ForeignKey("people.id", name="fk_account_topics_person")),
    Column("topic", String(60)),
    PrimaryKeyConstraint("person_id", "topic", name="pk_account_topics"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", String(64), primary_key=True),  # SM3 of the token; the token itself is nowhere
    Column("person_id", Id, ForeignKey("people.id", name="fk_tokens_person"), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_tokens_person", "person_id"),
    Index("ix_tokens_expires", "expires_at"),
)

# 代理: who acts for whom, from and until, for which processes. Rows are never deleted: who acted in whose
# name must be explained later.
substitutions = Table(
    "substitutions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", Id, ForeignKey("people.id", name="fk_substitutions_person"), nullable=False),
    Column("substitute_id", Id, ForeignKey("people.id", name="fk_substitutions_substitute"), nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("processes", Json),  # keys; none: every process
    Column("reason", String(500), nullable=False),
    Column("set_by", Id, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("ended_at", Instant),  # before its time
    Column("ended_by", Id),
    Column("end_reason", String(500)),
    Index("ix_substitutions_person", "person_id", "valid_until"),
    Index("ix_substitutions_substitute", "substitute_id", "valid_until"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", Id, primary_key=True),
    # SM3 of login and address: the log of mistakes must not become a list of logins and addresses.
    Column("pair", String(64), nullable=False),
    Column("failed_at", Instant, nullable=False),
    Index("ix_sign_in_failures_pair", "pair", "failed_at"),
)

case_access = Table(
    "case_access",
    metadata,
    Column("case_id", Id, nullable=False),
    Column("holder", String(270), nullable=False),  # unit:<path> | person:<id>
    # pool | handled (closed once the case is) | started | followed
    Column("reason", String(20), nullable=False),
    PrimaryKeyConstraint("case_id", "holder", "reason", name="pk_case_access"),
    Index("ix_case_access_holder", "holder", "case_id", "reason"),  # lists read it newest case first
    Index(  # the lists of a person; pools have by far the most rows
        "ix_case_access_reason",
        "holder",
        "reason",
        "case_id",
        postgresql_where=text("reason <> 'pool'"),
        sqlite_where=text("reason <> 'pool'"),
    ),
)
