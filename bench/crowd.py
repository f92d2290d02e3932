"""So many open tasks, each of a case of its own, written straight into the tables."""

from datetime import UTC, datetime
from typing import Any

from app.core import db

POOLS = 500
OURS = 8
"""Pools of the person who asks: the first holds a fifth of all tasks, each other one in a hundred."""
NOW = datetime.now(UTC)
STEP = 100_000


def case_id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


def units() -> list[str]:
    """Codes of the units below d1 that have a pool of one task in five hundred."""
    return [f"u{OURS + n}" for n in range(POOLS) if n % 10 >= 2 and not 20 <= n % 100 <= 18 + OURS]


def fill(database: db.Database, size: int, version: str = "v") -> None:
    """Writes what is missing up to so many open tasks; then the statistics that a day's work makes.

    Indexes rest meanwhile and are built again over the full tables: many times quicker than to follow rows
    that come in any order. They are never dropped: what is measured is what the migrations made. Foreign keys
    are not looked at row by row, for the statements below make no row without its case.
    """
    own = database.writing.execution_options(isolation_level="AUTOCOMMIT")
    with own.connect() as connection:

        def run(statement: str) -> Any:
            return connection.exec_driver_sql(statement.replace("%", "%%"))

        for setting in SETTINGS:
            run(f"set {setting}")
        there = run("select count(*) from cases").scalar() or 0
        run(f"update pg_index set indisready = false, indisvalid = false where indrelid in ({_REGCLASSES})")
        for start in range(there, size, STEP):
            span = f"generate_series({start}, {min(start + STEP, size) - 1}) n"
            for statement in ROWS:
                run(statement.replace("{span}", span).replace("{version}", version))
        for table in TABLES:
            run(f"reindex table {table}")
        resting = run("select from pg_index where not (indisready and indisvalid)").all()
        assert not resting, "an index was not built again"
        run("vacuum analyze")
        connection.invalidate()  # what was set here is for nobody else


TABLES = ("cases", "tasks", "task_queue", "case_access", "favourites", "case_facts", "case_search")
SETTINGS = (
    "statement_timeout = 0",
    "lock_timeout = 0",  # autovacuum may be at a table that we analyze
    "maintenance_work_mem = '256MB'",
    "synchronous_commit = off",
    "session_replication_role = replica",
)
_REGCLASSES = ", ".join(f"'{table}'::regclass" for table in TABLES)
_ID = "'00000000-0000-7000-8000-' || lpad(n::text, 12, '0')"
_NOW = f"timestamp '{NOW.replace(tzinfo=None)}'"
_PLACE = "'d1/d1-s' || n % 20 || '/d1-s' || n % 20 || '-c' || n % 7"
_POOL = (
    f"'d1/u' || case when n % 10 < 2 then 0 when n % 100 between 20 and {18 + OURS} then n % 100 - 19 "
    f"else {OURS} + n % {POOLS} end"
)
_DUE = f"{_NOW} + ((n * 7919::bigint) % 2000 - 100) * interval '1 hour'"
_MINE = "'person:worker'"
_TASK = "insert into tasks (id, case_id, root_id, ref, step, name, lane, round, pools, state, priority, "
_ACCESS = f"insert into case_access (case_id, holder, reason) select {_ID}, "

ROWS = (
    f"""insert into cases (id, root_id, number, process_key, version_id, title, source, external_no,
        place_unit, org_path, priority, round, state, status, received_at, opened_at, last_event_at, engine,
        revision, event_seq, audit_seq, audit_head, data)
        select {_ID}, {_ID}, 'N' || lpad(n::text, 7, '0'),
            case n % 4 when 0 then 'other' else 'work_order_12345' end, '{{version}}', '路灯不亮', 'staff',
            'X' || n, 'd1', {_PLACE}, 50, 0, 'active', case n % 3 when 0 then '待签收' else '办理中' end,
            {_NOW} - ((n * 7919::bigint) % 90) * interval '1 day', {_NOW}, {_NOW},
            decode(repeat('ab', 400), 'hex'), 1, 1, 1, decode('00', 'hex'), '{{}}' from {{span}}""",
    f"""{_TASK} due_at, opened_at, revision)
        select {_ID}, {_ID}, {_ID}, '1', 'sign', '签收', '承办单位', 0, '["handler@' || ({_POOL}) || '"]',
            'open', 50, {_DUE}, {_NOW}, 1 from {{span}}""",
    f"""insert into task_queue (holder, rank, due_at, task_id, process_key)
        select 'pool:handler@' || ({_POOL}), '1050' || to_char({_DUE}, 'YYYYMMDDHH24MISS') || '050' || {_ID},
            {_DUE}, {_ID}, case when n % 5000 = 0 then 'rare' else 'work_order_12345' end
        from {{span}}""",
    f"{_ACCESS} 'unit:' || ({_POOL}), 'pool' from {{span}}",
    # What this person handled: one case in twenty, nine of ten ended by now; filed, followed and kept a few.
    f"""{_ACCESS} {_MINE}, case when n % 200 = 0 then 'handled' else 'closed' end
        from {{span}} where n % 20 = 0""",
    f"{_ACCESS} {_MINE}, 'started' from {{span}} where n % 100 = 1",
    f"{_ACCESS} {_MINE}, 'followed' from {{span}} where n % 1000 = 2",
    f"""insert into favourites (person_id, case_id, at)
        select 'worker', {_ID}, {_NOW} from {{span}} where n % 1000 = 3""",
    f"""{_TASK} opened_at, closed_at, done_by, revision)
        select 'd' || substr({_ID}, 2), {_ID}, {_ID}, '0', 'dispatch', '派遣', '区分中心', 0, '[]',
            'done', 50, {_NOW}, {_NOW} - n * interval '1 second', 'worker', 1
        from {{span}} where n % 20 = 0""",
    f"""insert into case_facts (case_id, name, as_text)
        select {_ID}, 'level', case when n % 50 = 0 then '紧急' else '一般' end from {{span}}""",
    f"insert into case_facts (case_id, name, as_text) select {_ID}, 'main_unit', {_POOL} from {{span}}",
    # Every case says that a lamp is out, one in five hundred says where; and a rare pair of characters each.
    f"""insert into case_search (slot, case_id, words) select n, {_ID}, (
            quote_literal('n' || lpad(n::text, 7, '0')) || ':1 '
            || $$'路灯':3 '灯不':4 '不亮':5 '社区':7 $$
            || quote_literal(chr(19968 + n % 5000) || chr(19968 + n % 4999)) || ':9'
            || case when n % 500 = 0 then $$ '幸福':11 '福里':12$$ else '' end)::tsvector from {{span}}""",
)
