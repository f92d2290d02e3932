"""Tables of categories: one row for each time a code meant one thing; a row is ended, never deleted."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from app.core.db import Id, Instant, Json, metadata

category_tables = Table(
    "category_tables",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("changed_at", Instant, nullable=False),
)

categories = Table(
    "categories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("table_key", String(60), ForeignKey("category_tables.key"), nullable=False),
    Column("code", String(60), nullable=False),
    Column("parent", String(60)),
    # The codes from the top down, joined by "/": a prefix is a subtree.
    Column("path", String(400), nullable=False),
    Column("name", String(100), nullable=False),
    Column("depth", Integer, nullable=False),  # 1 at the top
    Column("keywords", Json, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),  # the first instant at which it is no more
    Index("ix_categories_code", "table_key", "code"),
    Index("ix_categories_path", "table_key", "path", postgresql_ops={"path": "varchar_pattern_ops"}),
)
