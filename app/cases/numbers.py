"""Case numbers: taken before the case's transaction, so that a busy day does not queue behind one row."""

from datetime import datetime

from sqlalchemy import bindparam, select, update

from app.bundles.process_file import NumberPattern
from app.cases.models import number_series
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import transaction

_THIS = (number_series.c.process_key == bindparam("key")) & (number_series.c.day == bindparam("period"))
_NEXT = update(number_series).where(_THIS).values(last=number_series.c.last + 1)
_LAST = select(number_series.c.last).where(_THIS)


def take(process_key: str, pattern: NumberPattern, received_at: datetime) -> str:
    """The next number of a process; a number taken for a case that then fails leaves a gap, never a double.

    The day is that of `received_at` in Asia/Shanghai. Source: bundle.md, process.yaml.
    """
    day = received_at.astimezone(BEIJING).date()
    which = {"key": process_key, "period": pattern.period(day)}
    with transaction() as session:
        session.execute(
            dialects.insert_ignore(session.dialect, number_series),
            {"process_key": process_key, "day": which["period"], "last": 0},
        )
        session.execute(_NEXT, which)
        seq = session.scalar(_LAST, which)
    return pattern.render(day, seq)
