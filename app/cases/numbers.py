"""Case numbers: taken before the case's transaction, so that a busy day does not queue behind one row."""

from datetime import datetime

from sqlalchemy import bindparam, select, update

from app.bundles.process_file import NumberPattern
from app.cases.models import number_series
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import transaction

_THIS = (number_series.c.pattern == bindparam("key")) & (number_series.c.day == bindparam("period"))
_NEXT = update(number_series).where(_THIS).values(last=number_series.c.last + 1)
_LAST = select(number_series.c.last).where(_THIS)


def take(pattern: NumberPattern, received_at: datetime) -> str:
    """The next number of a pattern; a number taken for a case that then fails leaves a gap, never a double.

    Counted by pattern, not by process: a copied folder that kept the pattern must not collide with its model.
    The day is that of `received_at` in Asia/Shanghai. Source: bundle.md, process.yaml.
    """
    day = received_at.astimezone(BEIJING).date()
    which = {"key": pattern.text, "period": pattern.period(day)}
    with transaction() as session:
        session.execute(
            dialects.insert_ignore(session.dialect, number_series),
            {"pattern": pattern.text, "day": which["period"], "last": 0},
        )
        session.execute(_NEXT, which)
        seq = session.scalar(_LAST, which)
    return pattern.render(day, seq)
