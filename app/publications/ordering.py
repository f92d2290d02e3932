"""点单: how many open cases of another process ask for what is shown, by its number."""

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, func, select

from app.cases.models import GOING, case_facts, cases
from app.core.db import Session
from app.publications.fields import Shown

_ASKED_FOR = (
    select(case_facts.c.as_text, func.count().label("orders"))
    .select_from(case_facts.join(cases, cases.c.id == case_facts.c.case_id))
    .where(
        case_facts.c.name == bindparam("name"),
        case_facts.c.as_text.in_(bindparam("numbers", expanding=True)),
        cases.c.process_key == bindparam("process"),
        cases.c.state.in_(GOING),
    )
    .group_by(case_facts.c.as_text)
)


def of(session: Session, shown: Iterable[Shown]) -> Mapping[str, int]:
    """Open orders by publication: of those whose process says where they are counted."""
    asked: dict[str, dict[str, str]] = {}
    for each in shown:
        if each.rule.orders is not None:
            asked.setdefault(each.rule.orders, {})[each.row["case_number"]] = each.row["id"]
    found = dict.fromkeys((one for ids in asked.values() for one in ids.values()), 0)
    for orders, ids in asked.items():
        process, _, name = orders.partition(".")
        which = {"process": process, "name": name, "numbers": list(ids)}
        for row in session.execute(_ASKED_FOR, which):
            found[ids[row.as_text]] = row.orders
    return found
