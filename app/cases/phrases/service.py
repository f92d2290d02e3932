"""Kept phrases: keep one, page through them, change, delete, and those that fit a form."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, update

from app.bundles import keys, store
from app.bundles.data_fields import DataField
from app.bundles.forms import Form, FormField
from app.bundles.values import Wrong, reader
from app.cases.phrases import models
from app.cases.phrases.models import LONGEST, held, phrases
from app.core import clock, personal
from app.core.db import Session
from app.core.errors import Conflict, FieldError, NotFound, Unprocessable
from app.core.http import etag
from app.core.http.fields import out
from app.core.ids import new_id
from app.identity.actor import Actor
from app.identity.people import known_role, known_unit
from app.identity.permissions import PHRASE_SHARE
from app.identity.scopes import require

Row = dict[str, Any]

OPINION = "opinion"
"""Where a phrase may go in every form: what is said with an outcome."""
MOST_OF_ONE = 100
MOST_OFFERED = 200

_read = reader(DataField("text", "text", "常用语", longest=LONGEST))
"""A phrase is what the text of an answer may be."""


class PhrasesTooMany(Conflict):
    """常用语太多了（每人、每个单位、每个角色最多 100 条），请先删去不用的。"""


class PhraseRefused(Unprocessable):
    """常用语有误，请按提示修改。"""


def page(session: Session, actor: Actor, limit: int, after: str | None) -> list[Row]:
    """Up to `limit + 1` phrases that the actor may use or looks after, newest first."""
    return [dict(row) for row in session.execute(models.shown(actor, limit + 1, after)).mappings()]


def visible(session: Session, actor: Actor, phrase_id: str) -> Row:
    """One of them. Raises NotFound."""
    row = session.execute(models.one(actor, phrase_id)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return dict(row)


def keep(session: Session, actor: Actor, given: Mapping[str, Any]) -> Row:
    """Keeps a phrase. Raises PhraseRefused, PhrasesTooMany, and what sharing may raise."""
    row = {"id": new_id(), "revision": 1, **_checked(session, actor, given)}
    _room(session, row["holder"])
    session.execute(insert(phrases), row)
    return {**row, "author_name": actor.name}


def change(session: Session, actor: Actor, phrase_id: str, seen: int | None, given: Mapping[str, Any]) -> Row:
    """Puts other words, another place or another holder there. Raises NotFound, Stale, as `keep` does."""
    row = _changeable(session, actor, phrase_id, seen)
    changed = {**_checked(session, actor, given), "revision": row["revision"] + 1}
    if changed["holder"] != row["holder"]:
        _room(session, changed["holder"])
    session.execute(update(phrases).where(phrases.c.id == phrase_id).values(changed))
    return {**row, **changed, "author_name": actor.name}


def remove(session: Session, actor: Actor, phrase_id: str, seen: int | None) -> None:
    """Deletes a phrase."""
    _changeable(session, actor, phrase_id, seen)
    session.execute(delete(phrases).where(phrases.c.id == phrase_id))


def offered(session: Session, actor: Actor, process: str, step: str, form: Form | None) -> list[Row]:
    """The phrases that fit a step's form: each with the fields that it may be put into."""
    takes = {OPINION: LONGEST} | {each.name: each.data.longest or LONGEST for each in _asking(form)}
    found = []
    for row in session.execute(models.usable(actor, process, step, MOST_OFFERED)):
        names = takes if row.field is None else [row.field]
        into = [name for name in names if len(row.text) <= takes.get(name, 0)]
        if into:
            mine = row.holder == models.own(actor)
            found.append({"id": row.id, "text": row.text, "into": into, "own": mine})
    return found


def view(row: Mapping[str, Any], actor: Actor) -> Row:
    """A phrase as it leaves the house."""
    kind, _, holder = row["holder"].partition(":")
    role = holder.partition("@")[0] if kind == "role" else None
    unit = (row["place"] or "").rpartition("/")[2]
    own = kind == "person"
    return {
        "id": row["id"],
        "text": row["text"],
        "process": row["process"],
        "step": row["step"],
        "field": row["field"],
        "share": None if own else {"unit": unit, "role": role},
        "author": row["author_name"],
        "own": own,
        "changeable": own or actor.allows(PHRASE_SHARE, row["place"]),
        "changedAt": out(row["changed_at"]),
        "revision": row["revision"],
    }


def _changeable(session: Session, actor: Actor, phrase_id: str, seen: int | None) -> Row:
    row = visible(session, actor, phrase_id)
    if row["place"] is not None:
        require(actor, PHRASE_SHARE, row["place"], phrase_id)
    etag.agree(seen, row["revision"])
    return row


def _room(session: Session, holder: str) -> None:
    if (session.scalar(held, {"holder": holder}) or 0) >= MOST_OF_ONE:
        raise PhrasesTooMany


def _checked(session: Session, actor: Actor, given: Mapping[str, Any]) -> Row:
    """The parts that people fill in, with personal numbers covered."""
    now = clock.now(session)
    try:
        words = personal.covered(_read(given["text"], now))
    except Wrong as wrong:
        raise PhraseRefused(errors=[FieldError("/text", wrong.code, wrong.zh)]) from None
    if len(words) > LONGEST:
        raise PhraseRefused(errors=[FieldError("/text", "too-long", f"最多 {LONGEST} 字。")])
    _fits_somewhere(session, given)
    return {
        **_holder(session, actor, given["share"]),
        "author_id": actor.id,
        "text": words,
        **{name: given[name] for name in ("process", "step", "field")},
        "changed_at": now,
    }


def _holder(session: Session, actor: Actor, share: Mapping[str, Any] | None) -> Row:
    """Whose the phrase is. Raises PermissionMissing for a unit that is not one's own to share with."""
    if share is None:
        return {"holder": models.own(actor), "place": None}
    unit = known_unit(session, share["unit"], "/share/unit")
    require(actor, PHRASE_SHARE, unit.path, unit.code)
    role = share["role"]
    if role is not None:
        known_role(session, role, "/share/role")
    return {"holder": models.shared_with(unit.path, role), "place": unit.path}


def _fits_somewhere(session: Session, given: Mapping[str, Any]) -> None:
    """Raises PhraseRefused for a process, step or field that new cases do not have."""
    process, step, field = given["process"], given["step"], given["field"]
    if process is None:
        if step is not None:
            raise _misplaced("step", "写了环节，还要写是哪个流程（process）。")
        if field not in (None, OPINION):
            raise _misplaced("field", f"写了 {OPINION}（意见）以外的字段，还要写是哪个流程（process）。")
        return
    head = store.head(session, process)
    if head is None:
        raise _misplaced("process", "没有这个流程。")
    bundle = store.version(session, head.version_id)
    steps = bundle.drawn.steps
    if step is not None and step not in steps:
        raise _misplaced("step", f"这个流程没有环节“{step}”；有{keys.nearest(step, steps)}。")
    forms = {each.form for each in ([steps[step]] if step is not None else steps.values())}
    takes = {OPINION} | {each.name for form in forms if form for each in _asking(bundle.forms[form])}
    if field is not None and field not in takes:
        raise _misplaced("field", f"“{field}”那里不用常用语；可以是{keys.nearest(field, takes)}。")


def _asking(form: Form | None) -> list[FormField]:
    """The fields of a form that phrases may be put into."""
    return [each for each in form.fields if each.phrases and each.data.type == "text"] if form else []


def _misplaced(name: str, zh: str) -> PhraseRefused:
    return PhraseRefused(errors=[FieldError(f"/{name}", f"{name}-unknown", zh)])
