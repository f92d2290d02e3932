"""Tables of published versions: rows that are only ever added, and which one new cases start with."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, UniqueConstraint

from app.core.db import Instant, metadata

process_versions = Table(
    "process_versions",
    metadata,
    Column("id", String(64), primary_key=True),  # SM3 of the bundle in hex
    Column("key", String(60), nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, … within the key
    Column("name", String(60), nullable=False),
    Column("blob", LargeBinary, nullable=False),  # the versioned files, packed
    Column("published_at", Instant, nullable=False),
    Column("published_by", String(60), nullable=False),
    UniqueConstraint("key", "number", name="uq_process_versions_number"),
)

process_heads = Table(
    "process_heads",
    metadata,
    Column("key", String(60), primary_key=True),
    Column(
        "version_id",
        String(64),
        ForeignKey("process_versions.id", name="fk_process_heads_ver"),
        nullable=False,
    ),
    Column("since", Instant, nullable=False),
    Column("set_by", String(60), nullable=False),
    Column("retired_at", Instant),
)
