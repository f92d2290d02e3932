"""Messages: what came in, what goes out, how each partner's door answered lately."""

import sqlalchemy as sa
from alembic import op

from app.core.types import Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endpoint_health",
        sa.Column("endpoint", sa.String(length=60), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("closed_until", Instant(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_endpoint_health")),
    )
    op.create_table(
        "inbound",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("principal_id", sa.String(length=36), nullable=False),
        sa.Column("org_path", sa.String(length=400), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answered", sa.String(length=10), nullable=True),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("ref", sa.String(length=20), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_inbound_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("channel", "message_id", "part", name="uq_inbound_message"),
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index("ix_inbound_case", ["case_id"], unique=False)
        batch_op.create_index(
            "ix_inbound_due",
            ["next_at"],
            unique=False,
            postgresql_where=sa.text("state in ('received', 'parked')"),
            sqlite_where=sa.text("state in ('received', 'parked')"),
        )
        batch_op.create_index(
            "ix_inbound_expires",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.create_index(
            "ix_inbound_parked",
            ["name", "key"],
            unique=False,
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.create_index("ix_inbound_state", ["state", "id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("endpoint", sa.String(length=60), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(length=120), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("lease_by", sa.String(length=120), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("tried_at", Instant(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("endpoint", "case_id", "seq", name="uq_outbox_seq"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_case", ["case_id"], unique=False)
        batch_op.create_index(
            "ix_outbox_due",
            ["endpoint", "next_at"],
            unique=False,
            postgresql_where=sa.text("state in ('pending', 'claimed')"),
            sqlite_where=sa.text("state in ('pending', 'claimed')"),
        )
        batch_op.create_index(
            "ix_outbox_open",
            ["endpoint", "case_id", "seq"],
            unique=False,
            postgresql_where=sa.text("state not in ('sent', 'closed')"),
            sqlite_where=sa.text("state not in ('sent', 'closed')"),
        )
        batch_op.create_index("ix_outbox_state", ["state", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_state")
        batch_op.drop_index(
            "ix_outbox_open",
            postgresql_where=sa.text("state not in ('sent', 'closed')"),
            sqlite_where=sa.text("state not in ('sent', 'closed')"),
        )
        batch_op.drop_index(
            "ix_outbox_due",
            postgresql_where=sa.text("state in ('pending', 'claimed')"),
            sqlite_where=sa.text("state in ('pending', 'claimed')"),
        )
        batch_op.drop_index("ix_outbox_case")

    op.drop_table("outbox")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index("ix_inbound_state")
        batch_op.drop_index(
            "ix_inbound_parked",
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.drop_index(
            "ix_inbound_expires",
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.drop_index(
            "ix_inbound_due",
            postgresql_where=sa.text("state in ('received', 'parked')"),
            sqlite_where=sa.text("state in ('received', 'parked')"),
        )
        batch_op.drop_index("ix_inbound_case")

    op.drop_table("inbound")
    op.drop_table("endpoint_health")
