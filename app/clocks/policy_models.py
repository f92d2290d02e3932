"""The table of policies: a row for each time the clocks of a process were changed, never itself changed."""

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table

from app.core.db import Instant, Json, metadata

policies = Table(
    "policies",
    metadata,
    Column("process_key", String(60)),
    Column("number", Integer),  # 1, 2, … within the process
    Column("digest", String(64), nullable=False),  # SM3 of the files
    Column("files", Json, nullable=False),  # path → text: sla.yaml and the decision files it asks
    Column(
        "version_id",
        String(64),
        ForeignKey("process_versions.id", name="fk_policies_version"),
        nullable=False,
    ),
    # Of the version that brought it: whatever was published since, until the next policy, goes by it.
    Column("version_number", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("published_by", String(60), nullable=False),
    PrimaryKeyConstraint("process_key", "number", name="pk_policies"),
)
