"""The first tables: organisation, cases, tasks, clocks, versions, audit."""

import sqlalchemy as sa
from alembic import op

from app.core import dialects
from app.core.types import Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_stream",
        sa.Column("stream", sa.String(length=20), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_id", sa.String(length=60), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "shard", "seq", name="pk_audit_stream"),
    )
    with op.batch_alter_table("audit_stream", schema=None) as batch_op:
        batch_op.create_index("ix_audit_stream_actor", ["actor_id", "at"], unique=False)

    op.create_table(
        "case_access",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("holder", sa.String(length=270), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "holder", "reason", name="pk_case_access"),
    )
    with op.batch_alter_table("case_access", schema=None) as batch_op:
        batch_op.create_index("ix_case_access_holder", ["holder", "case_id", "reason"], unique=False)

    op.create_table(
        "case_chain",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_id", sa.String(length=60), nullable=False),
        sa.Column("command", sa.String(length=60), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("ledger_hash", sa.String(length=64), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name="pk_case_chain"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("root_id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("external_no", sa.String(length=120), nullable=True),
        sa.Column("place_unit", sa.String(length=60), nullable=False),
        sa.Column("org_path", sa.String(length=400), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("reporter_id", sa.String(length=60), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("close_reason", sa.String(length=60), nullable=True),
        sa.Column("end_element", sa.String(length=60), nullable=True),
        sa.Column("status", sa.String(length=60), nullable=True),
        sa.Column("light", sa.String(length=10), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("last_event_at", Instant(), nullable=False),
        sa.Column("engine", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("audit_seq", sa.Integer(), nullable=False),
        sa.Column("audit_head", sa.LargeBinary(), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
        sa.UniqueConstraint("source", "external_no", name="uq_cases_external"),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index("ix_cases_process", ["process_key", "state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_root_id"), ["root_id"], unique=False)
        batch_op.create_index(
            "ix_cases_scope",
            ["org_path", "id"],
            unique=False,
            postgresql_ops={"org_path": "varchar_pattern_ops"},
        )

    op.create_table(
        "idempotency",
        sa.Column("principal", sa.String(length=60), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("route", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", Json(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("principal", "method", "route", "key", name="pk_idempotency"),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_expires", ["expires_at"], unique=False)

    op.create_table(
        "number_series",
        sa.Column("pattern", sa.String(length=60), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pattern", "day", name=op.f("pk_number_series")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("login", name="uq_people_login"),
    )
    op.create_table(
        "process_versions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("published_by", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_versions")),
        sa.UniqueConstraint("key", "number", name="uq_process_versions_number"),
    )
    op.create_table(
        "roles",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_roles")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("pair", sa.String(length=64), nullable=False),
        sa.Column("failed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_failures_pair", ["pair", "failed_at"], unique=False)

    op.create_table(
        "stream_heads",
        sa.Column("stream", sa.String(length=20), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "shard", name="pk_stream_heads"),
    )
    op.create_table(
        "system_state",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_system_state")),
    )
    op.create_table(
        "units",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["units.id"], name="fk_units_parent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("code", name="uq_units_code"),
        sa.UniqueConstraint("path", name="uq_units_path"),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.String(length=36), nullable=False),
        sa.Column("unit_path", sa.String(length=255), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_appointments_person"),
        sa.ForeignKeyConstraint(["role"], ["roles.key"], name="fk_appointments_role"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_appointments_unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
    )
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.create_index("ix_appointments_person", ["person_id"], unique=False)
        batch_op.create_index("ix_appointments_pool", ["role", "unit_path"], unique=False)

    op.create_table(
        "case_facts",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("as_text", sa.String(length=200), nullable=True),
        sa.Column("as_number", sa.Float(), nullable=True),
        sa.Column("as_instant", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_facts_case_id")),
        sa.PrimaryKeyConstraint("case_id", "name", name=op.f("pk_case_facts")),
    )
    with op.batch_alter_table("case_facts", schema=None) as batch_op:
        batch_op.create_index("ix_case_facts_text", ["name", "as_text"], unique=False)

    op.create_table(
        "clocks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("instance", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("allowance", sa.String(length=40), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("stopped_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_clocks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
        sa.UniqueConstraint("case_id", "name", "instance", name="uq_clocks_instance"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("process_key", sa.String(length=60), nullable=False),
        sa.Column("org_path", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("element", sa.String(length=60), nullable=True),
        sa.Column("error", sa.String(length=120), nullable=False),
        sa.Column("stack_hash", sa.String(length=64), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=True),
        sa.Column("timer_id", sa.String(length=36), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("resolved_by", sa.String(length=60), nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_incidents_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("number", name=op.f("uq_incidents_number")),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index("ix_incidents_case", ["case_id", "state"], unique=False)
        batch_op.create_index("ix_incidents_state", ["state", "last_at", "id"], unique=False)

    op.create_table(
        "process_heads",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("set_by", sa.String(length=60), nullable=False),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["version_id"], ["process_versions.id"], name="fk_process_heads_ver"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_process_heads")),
    )
    op.create_table(
        "role_permissions",
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("permission", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["role"], ["roles.key"], name="fk_role_permissions_role"),
        sa.PrimaryKeyConstraint("role", "permission", name="pk_role_permissions"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("root_id", sa.String(length=36), nullable=False),
        sa.Column("ref", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lane", sa.String(length=200), nullable=True),
        sa.Column("item", sa.String(length=120), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("pools", Json(), nullable=False),
        sa.Column("assignee_id", sa.String(length=60), nullable=True),
        sa.Column("owner_id", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("done_by", sa.String(length=60), nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("answers", Json(), nullable=True),
        sa.Column("answers_salt", sa.LargeBinary(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("draft", Json(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_tasks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("case_id", "ref", name="uq_tasks_ref"),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index("ix_tasks_done", ["done_by", "closed_at", "id"], unique=False)
        batch_op.create_index(
            "ix_tasks_open",
            ["case_id"],
            unique=False,
            postgresql_where=sa.text("state in ('open', 'claimed')"),
            sqlite_where=sa.text("state in ('open', 'claimed')"),
        )

    op.create_table(
        "timers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("root_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("tier", sa.String(length=60), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("clock_id", sa.String(length=36), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("lease_by", sa.String(length=60), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.Column("fired_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_timers_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timers")),
        sa.UniqueConstraint("case_id", "key", "tier", "generation", name="uq_timers_generation"),
    )
    with op.batch_alter_table("timers", schema=None) as batch_op:
        batch_op.create_index(
            "ix_timers_due",
            ["kind", "due_at", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'armed'"),
            sqlite_where=sa.text("state = 'armed'"),
        )
        batch_op.create_index(
            "ix_timers_lease",
            ["lease_until", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'claimed'"),
            sqlite_where=sa.text("state = 'claimed'"),
        )

    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_tokens_person"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tokens")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index("ix_tokens_expires", ["expires_at"], unique=False)
        batch_op.create_index("ix_tokens_person", ["person_id"], unique=False)

    op.create_table(
        "clock_ledger",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("clock_id", sa.String(length=36), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("entry", sa.String(length=20), nullable=False),
        sa.Column("chain_seq", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.String(length=60), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_clock_ledger_case_id")),
        sa.ForeignKeyConstraint(["clock_id"], ["clocks.id"], name=op.f("fk_clock_ledger_clock_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_ledger")),
    )
    with op.batch_alter_table("clock_ledger", schema=None) as batch_op:
        batch_op.create_index("ix_clock_ledger_case", ["case_id", "id"], unique=False)

    op.create_table(
        "task_queue",
        sa.Column("holder", sa.String(length=300), nullable=False),
        sa.Column("rank", sa.String(length=60), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_queue_task_id")),
        sa.PrimaryKeyConstraint("holder", "rank", name=op.f("pk_task_queue")),
    )
    with op.batch_alter_table("task_queue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_queue_task_id"), ["task_id"], unique=False)

    for table in ("case_chain", "audit_stream", "clock_ledger"):
        for statement in dialects.append_only(op.get_bind().dialect.name, table):
            op.execute(sa.DDL(statement.replace("%", "%%")))


def downgrade() -> None:
    with op.batch_alter_table("task_queue", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_queue_task_id"))

    op.drop_table("task_queue")
    with op.batch_alter_table("clock_ledger", schema=None) as batch_op:
        batch_op.drop_index("ix_clock_ledger_case")

    op.drop_table("clock_ledger")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_tokens_person")
        batch_op.drop_index("ix_tokens_expires")

    op.drop_table("tokens")
    with op.batch_alter_table("timers", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_timers_lease",
            postgresql_where=sa.text("state = 'claimed'"),
            sqlite_where=sa.text("state = 'claimed'"),
        )
        batch_op.drop_index(
            "ix_timers_due",
            postgresql_where=sa.text("state = 'armed'"),
            sqlite_where=sa.text("state = 'armed'"),
        )

    op.drop_table("timers")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_tasks_open",
            postgresql_where=sa.text("state in ('open', 'claimed')"),
            sqlite_where=sa.text("state in ('open', 'claimed')"),
        )
        batch_op.drop_index("ix_tasks_done")

    op.drop_table("tasks")
    op.drop_table("role_permissions")
    op.drop_table("process_heads")
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.drop_index("ix_incidents_state")
        batch_op.drop_index("ix_incidents_case")

    op.drop_table("incidents")
    op.drop_table("clocks")
    with op.batch_alter_table("case_facts", schema=None) as batch_op:
        batch_op.drop_index("ix_case_facts_text")

    op.drop_table("case_facts")
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.drop_index("ix_appointments_pool")
        batch_op.drop_index("ix_appointments_person")

    op.drop_table("appointments")
    op.drop_table("units")
    op.drop_table("system_state")
    op.drop_table("stream_heads")
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_failures_pair")

    op.drop_table("sign_in_failures")
    op.drop_table("roles")
    op.drop_table("process_versions")
    op.drop_table("people")
    op.drop_table("number_series")
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.drop_index("ix_idempotency_expires")

    op.drop_table("idempotency")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("ix_cases_scope", postgresql_ops={"org_path": "varchar_pattern_ops"})
        batch_op.drop_index(batch_op.f("ix_cases_root_id"))
        batch_op.drop_index("ix_cases_process")

    op.drop_table("cases")
    op.drop_table("case_chain")
    with op.batch_alter_table("case_access", schema=None) as batch_op:
        batch_op.drop_index("ix_case_access_holder")

    op.drop_table("case_access")
    with op.batch_alter_table("audit_stream", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_stream_actor")

    op.drop_table("audit_stream")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function if exists huying_append_only()")
