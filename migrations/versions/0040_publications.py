"""What is shown of cases to residents, and what they did with it: likes, comments, stars, seats, bookings."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("ended", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("shown_at", Instant(), nullable=False),
        sa.Column("hidden_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=60), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("lng", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_publications"),
        sa.UniqueConstraint("case_id", "name", name="uq_publications_name"),
    )
    op.create_index("ix_publications_section", "publications", ["section", "id"])

    op.create_table(
        "publication_bookings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("wanted_at", Instant(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("answered_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_publication_bookings_person"),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_bookings_of"),
        sa.PrimaryKeyConstraint("id", name="pk_publication_bookings"),
    )
    op.create_index("ix_publication_bookings_page", "publication_bookings", ["publication_id", "id"])

    op.create_table(
        "publication_comments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("rating", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_publication_comments_person"),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_comments_of"),
        sa.PrimaryKeyConstraint("id", name="pk_publication_comments"),
    )
    op.create_index("ix_publication_comments_page", "publication_comments", ["publication_id", "id"])

    op.create_table(
        "publication_likes",
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_publication_likes_person"),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_likes_of"),
        sa.PrimaryKeyConstraint("publication_id", "person_id", name="pk_publication_likes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_publication_likes_person", "publication_likes", ["person_id", "publication_id"])

    op.create_table(
        "publication_signups",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("checked_in_at", Instant(), nullable=True),
        sa.Column("checked_in_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_publication_signups_person"),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_signups_of"),
        sa.PrimaryKeyConstraint("id", name="pk_publication_signups"),
        sa.UniqueConstraint("publication_id", "person_id", name="uq_publication_signups"),
    )
    op.create_index("ix_publication_signups_person", "publication_signups", ["person_id", "publication_id"])

    op.create_table(
        "publication_stars",
        sa.Column("publication_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("aspect", sa.String(length=30), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_publication_stars_person"),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.id"], name="fk_publication_stars_of"),
        sa.PrimaryKeyConstraint("publication_id", "person_id", "aspect", name="pk_publication_stars"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("stars", "signups", "likes", "comments", "bookings"):
        op.drop_table(f"publication_{table}")
    op.drop_table("publications")
