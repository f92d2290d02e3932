"""Indexes for searching: cases by received time, priority and how a number begins; open tasks by due; facts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = "state in ('open', 'claimed')"
ON_CASES = {
    "ix_cases_received": (["received_at", "id"], {}),
    "ix_cases_priority": (["priority", "id"], {}),
    "ix_cases_number": (["number"], {"number": "varchar_pattern_ops"}),
    "ix_cases_external_no": (["external_no"], {"external_no": "varchar_pattern_ops"}),
}
ON_FACTS = {"ix_case_facts_number": "as_number", "ix_case_facts_instant": "as_instant"}


def upgrade() -> None:
    for name, (columns, ops) in ON_CASES.items():
        op.create_index(name, "cases", columns, postgresql_ops=ops)
    where = sa.text(OPEN)
    op.create_index("ix_tasks_due", "tasks", ["due_at", "id"], postgresql_where=where, sqlite_where=where)
    for name, column in ON_FACTS.items():
        where = sa.text(f"{column} is not null")
        op.create_index(name, "case_facts", ["name", column], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name in ON_FACTS:
        op.drop_index(name, "case_facts")
    op.drop_index("ix_tasks_due", "tasks")
    for name in ON_CASES:
        op.drop_index(name, "cases")
