"""A year of orders as statistics see them, written straight into their table: units, classes, a tenth open.

The orders themselves are not written: a number is counted from this table alone.
"""

from sqlalchemy import select

from app.categories.models import categories
from app.core import db
from bench.crowd import NOW, SETTINGS, units

STEP = 100_000


def fill(database: db.Database, size: int) -> None:
    """So many orders of the last year; then the statistics that a day's work makes."""
    codes = ", ".join(f"'{code}'" for code in units())
    with db.reading() as session:
        kinds = ", ".join(f"'{row.table_key}/{row.code}'" for row in session.execute(_CLASSES))
    own = database.writing.execution_options(isolation_level="AUTOCOMMIT")
    with own.connect() as connection:
        for setting in SETTINGS:
            connection.exec_driver_sql(f"set {setting}")
        for start in range(0, size, STEP):
            span = f"generate_series({start}, {min(start + STEP, size) - 1}) n"
            text = ROW.format(span=span, codes=codes, kinds=kinds)
            connection.exec_driver_sql(text.replace("%", "%%"))
        connection.exec_driver_sql("vacuum analyze counted_cases")
        connection.invalidate()  # what was set here is for nobody else


_CLASSES = select(categories.c.table_key, categories.c.code).where(categories.c.depth == 3)
_AT = f"timestamp '{NOW.replace(tzinfo=None)}' - ((n * 7919::bigint) % 525600) * interval '1 minute'"
ROW = f"""insert into counted_cases (case_id, process_key, org_path, unit, category, state, received_at,
        dispatched_at, closed_at, due_at, met_at, returns, round, excluded)
    select '00000000-0000-7000-9000-' || lpad(n::text, 12, '0'), 'work_order_12345',
        'd1/d1-s' || n % 20 || '/d1-s' || n % 20 || '-c' || n % 7,
        (array[{{codes}}])[1 + (n * 31::bigint) % array_length(array[{{codes}}], 1)],
        (array[{{kinds}}])[1 + (n * 17::bigint) % array_length(array[{{kinds}}], 1)],
        case when n % 10 = 0 then 'active' else 'closed' end, {_AT}, {_AT} + interval '10 minutes',
        case when n % 10 > 0 then {_AT} + n % 200 * interval '1 hour' end, {_AT} + interval '7 days',
        case when n % 10 > 0 then {_AT} + n % 200 * interval '1 hour' end,
        case when n % 20 = 0 then 1 else 0 end, case when n % 30 = 0 then 1 else 0 end, n % 100 = 0
    from {{span}}"""
