"""The sidecar of secret values, sealed drafts, and an index over what the audit streams are about.

Drafts kept in plain are deleted: they cannot be sealed here. No release ever stored any.
"""

import sqlalchemy as sa
from alembic import op

from app.crypto.sealed import BlindIndex, SealedBytes

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_secrets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("origin", sa.String(length=36), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", SealedBytes(), nullable=True),
        sa.Column("blind", BlindIndex(), nullable=True),
        sa.Column("coarse", BlindIndex(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_secrets_case_id"),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.id"], name="fk_case_secrets_key_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_secrets"),
    )
    op.create_index("ix_case_secrets_case", "case_secrets", ["case_id", "seq", "id"])
    op.create_index("ix_case_secrets_blind", "case_secrets", ["name", "blind"])
    op.create_index("ix_case_secrets_coarse", "case_secrets", ["name", "coarse"])
    op.create_index("ix_audit_stream_subject", "audit_stream", ["stream", "subject", "at"])
    op.execute("alter table tasks drop column draft")  # not by copying the table: it has a partial index
    op.add_column("tasks", sa.Column("draft", SealedBytes(), nullable=True))


def downgrade() -> None:
    op.execute("alter table tasks drop column draft")
    op.add_column("tasks", sa.Column("draft", sa.Text(), nullable=True))
    op.drop_index("ix_audit_stream_subject", table_name="audit_stream")
    op.drop_table("case_secrets")
