"""关联一类办件: all cases of a category that came in a month are tied to the one that is about them."""

import re
from datetime import datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import bindparam, case, or_, select

from app.cases.handlers import Context, Results, handler
from app.cases.links.tying import link_of
from app.cases.models import case_facts, case_links, cases
from app.categories.catalogue import codes_below
from app.core.clock import BEIJING
from app.engine.errors import HandlerFailed
from app.identity.scopes import unit_scope

MOST = 200
"""Cases that one step ties; the month's number is counted whatever it is."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_OTHER = case((case_links.c.from_id == bindparam("mine"), case_links.c.to_id), else_=case_links.c.from_id)
TIED = select(_OTHER).where(
    or_(case_links.c.from_id == bindparam("mine"), case_links.c.to_id == bindparam("mine"))
)
"""The cases that hang together with `mine`."""


@handler(
    "cases.gather",
    "关联一类办件：process 流程的、字段 name 是 category 这一类（连同它下面的，table 是分类表）、"
    f"month（例如 2026-03）收到的、本件所在单位范围内的，关联到本件，先收到的先关联，最多 {MOST} 件；"
    "count 是一共几件，linked 是这次关联了几件",
    needs=("process", "name", "table", "category", "month"),
    gives=("count", "linked"),
)
def gather(context: Context) -> Results:
    """Ties them as related; who may not see one of them does not see the tie either."""
    motion, given = context.motion, context.params
    mine = motion.case["id"]
    found = list(motion.session.execute(_alike(given, motion.case["org_path"])).scalars())
    tied = set(motion.session.execute(TIED, {"mine": mine}).scalars()) if found else set()
    new = [one for one in found[:MOST] if one not in tied]
    for one in new:
        motion.changes.insert("case_links", link_of(motion, mine, one, "related"))
    return {"count": len(found), "linked": len(new)}


def _alike(given: Any, path: str) -> Any:
    month = str(given["month"])
    if not _MONTH.fullmatch(month):
        raise HandlerFailed(f"（月份“{month}”要写成 2026-03 这样）")
    begins = datetime.fromisoformat(f"{month}-01").replace(tzinfo=BEIJING)
    return (
        select(cases.c.id)
        .join(case_facts, (case_facts.c.case_id == cases.c.id) & (case_facts.c.name == str(given["name"])))
        .where(
            cases.c.process_key == str(given["process"]),
            cases.c.received_at >= begins,
            cases.c.received_at < begins + relativedelta(months=1),
            case_facts.c.as_text.in_(codes_below(str(given["table"]), str(given["category"]))),
            unit_scope((path,), cases.c.org_path),
        )
        .order_by(cases.c.received_at, cases.c.id)
    )
