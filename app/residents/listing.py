"""The list of one's own matters: of a process, in a public state, with words, by facts that one may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, false, func, select

from app import bundles
from app.bundles import Bundle, store
from app.cases.models import case_facts, cases
from app.cases.search import index, words
from app.cases.search.conditions import FilterRefused
from app.cases.search.index import case_search
from app.cases.viewing import LISTED_CASE
from app.categories.catalogue import codes_below
from app.core.db import Session, reading
from app.core.errors import FieldError
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.residents import RESIDENT
from app.residents.reading import desk, fields_of, head, standing

Row = dict[str, Any]

_PAGE = (
    select(*LISTED_CASE, cases.c.data)
    .select_from(case_access.join(cases, cases.c.id == case_access.c.case_id))
    .where(case_access.c.holder == bindparam("holder"), case_access.c.reason == "started")
    .order_by(case_access.c.case_id.desc())
    .limit(bindparam("most"))
)

_going_on = cases.alias("going_on")
_STANDS = select(_going_on.c.status).where(_going_on.c.id == cases.c.merged_into).scalar_subquery()
"""The status of the case that a merged one went into."""


@dataclass(frozen=True)
class Wanted:
    """Which matters: all of it must hold. `status` is a public word, `facts` are (name, value)."""

    process: str | None = None
    words: str | None = None
    status: str | None = None
    facts: tuple[tuple[str, str], ...] = ()


def page(actor: Actor, wanted: Wanted, limit: int, after: str | None) -> list[Row]:
    """Up to `limit + 1` of one's matters, newest first. Raises FilterRefused."""
    query = _PAGE if after is None else _PAGE.where(case_access.c.case_id < after)
    with reading() as session:
        query = _narrowed(session, query, wanted)
        found = session.execute(query, {"holder": desk(actor), "most": limit + 1})
        rows = [dict(row) for row in found.mappings()]
        stand = standing(session, rows)
    return [{**row, "stand": stand} for row in rows]


def listed(row: Mapping[str, Any]) -> Row:
    """A matter in the list, with what the reporter's forms show of its facts: its source, its rating."""
    bundle, held = bundles.get(row["version_id"]), row["data"]
    told = [name for name in _shown(bundle, filed=row["source"] == RESIDENT) if held.get(name) is not None]
    facts = [
        {
            "name": name,
            "label": bundle.process.data[name].label,
            "value": held[name],
            "text": str(held.get(f"{name}_name") or held[name]),
        }
        for name in told
    ]
    return {**head(row, bundle, row["stand"]), "facts": facts}


def _shown(bundle: Bundle, *, filed: bool) -> list[str]:
    """The facts that the reporter is asked, or shown."""
    seen = fields_of(bundle, filed=filed)
    return [name for name in bundle.process.facts if name in seen]


def _narrowed(session: Session, query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.process is not None:
        query = query.where(cases.c.process_key == wanted.process)
    if wanted.words is not None:
        terms = words.terms(wanted.words)
        found = select(case_search.c.case_id).where(index.holds(terms))
        query = query.where(cases.c.id.in_(found) if terms else false())
    if wanted.status is None and not wanted.facts:
        return query
    bundle = _bundle(session, wanted.process)
    if wanted.status is not None:
        public = bundle.process.public.items()
        stands = func.coalesce(_STANDS, cases.c.status)
        query = query.where(stands.in_([own for own, said in public if said == wanted.status]))
    for name, value in wanted.facts:
        query = query.where(cases.c.id.in_(_with(bundle, name, value)))
    return query


def _bundle(session: Session, process: str | None) -> Bundle:
    """Whose words and facts are meant. Raises FilterRefused."""
    key = process or ""
    head = store.head(session, key) if key else None
    if head is None:
        message = "按状态、内容筛选要写明是哪个流程（process）。"
        raise FilterRefused(errors=[FieldError("?process", "required", message)])
    return bundles.get(head.version_id)


def _with(bundle: Bundle, name: str, value: str) -> Select[Any]:
    """The cases whose fact has this value; of a category also what lies below it. Raises FilterRefused."""
    known = _shown(bundle, filed=False)
    if name not in known:
        message = f"不能按“{name[:40]}”筛选；可以用 {'、'.join(known) or '（没有）'}。"
        raise FilterRefused(errors=[FieldError("?fact", "field-unknown", message)])
    rows = select(case_facts.c.case_id).where(case_facts.c.name == name)
    declared = bundle.process.data[name]
    if declared.type == "category":
        return rows.where(case_facts.c.as_text.in_(codes_below(declared.table, value)))
    if declared.type in ("int", "decimal"):
        return rows.where(case_facts.c.as_number == (float(value) if _is_number(value) else None))
    return rows.where(case_facts.c.as_text == value)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii()


def pairs(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`channel:人民信箱` as a name and a value. Raises FilterRefused."""
    found = tuple(tuple(each.split(":", 1)) for each in given)
    if any(len(each) != 2 or not each[1] for each in found):
        message = "每个条件写成 名字:值，例如 channel:人民信箱。"
        raise FilterRefused(errors=[FieldError("?fact", "value-invalid", message)])
    return found  # type: ignore[return-value]
