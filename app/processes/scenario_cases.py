"""A scenario may file several cases: the first is 本件, each further one is called something.

One that a step of a diagram filed (cases.file) gets its name when the scenario expects it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from app.bundles.bundle import Bundle
from app.bundles.keys import Found, nearest
from app.cases.models import case_links
from app.cases.models import cases as case_rows
from app.core.db import reading
from app.processes.scenario_file import FIRST
from app.processes.stage import Row, Unmet, Walk, case_of

_TIED = (
    select(case_rows.c.id, case_rows.c.title, case_rows.c.number)
    .join(case_links, or_(case_links.c.from_id == case_rows.c.id, case_links.c.to_id == case_rows.c.id))
    .where(
        or_(case_links.c.from_id == bindparam("case"), case_links.c.to_id == bindparam("case")),
        case_rows.c.process_key == bindparam("process"),
        case_rows.c.id.not_in(bindparam("known", expanding=True)),
    )
    .order_by(case_rows.c.id)
)

NOWHERE = "none"
"""`merged: none`: the case is merged into no other one."""


def check(steps: Sequence[Mapping[str, Any]], found: Found, bundle: Bundle) -> None:
    """Whoever is named was filed before, whoever is filed has a name of its own; said where it is not so."""
    known: list[str] = []
    for i, step in enumerate(steps):
        kind, given = next(iter(step.items()))
        if not isinstance(given, Mapping):
            continue
        here = ("steps", i, kind)
        if kind in ("start", "filed") or (kind == "message" and _starts(bundle, given)):
            other = kind == "filed" or "process" in given
            _check_new(given.get("called"), known, found, here, other=other)
        elif "called" in given:
            zh = "这条消息不登记办件，不写 called；对哪一件写 case。"
            found.error("scenario-key", (*here, "called"), zh, "This message files no case.")
        for key in ("case", "into", "merged"):
            name = given.get(key)
            if name is not None and name not in known and (key, name) != ("merged", NOWHERE):
                zh = f"前面没有登记过“{name}”；有{nearest(name, known)}。"
                found.error("scenario-unknown-case", (*here, key), zh, f'No case is called "{name}".')


def _starts(bundle: Bundle, given: Mapping[str, Any]) -> bool:
    message = bundle.messages.get(given.get("name", ""))
    return message is not None and message.starts


def _check_new(
    called: str | None, known: list[str], found: Found, here: tuple[str | int, ...], *, other: bool
) -> None:
    """`other`: a case of another process, which is never the one that the scenario is about."""
    name = called or FIRST
    if called is not None and FIRST not in known and not other:
        zh = f"第一件叫“{FIRST}”，不写 called。"
        found.error("scenario-key", (*here, "called"), zh, "The first case has no name of its own.")
    elif name in (*known, NOWHERE) or (other and called is None):
        zh = (
            f"已经有一件叫“{name}”，请换个名称。"
            if called
            else "再登记一件时要写 called：这一件的名称，后面的步骤用 case 指它。"
        )
        found.error("scenario-case-named-twice", here, zh, f'A case called "{name}" was filed before.')
    known.append(name)


def numbered(walk: Walk, given: Any) -> Any:
    """What a form is filled in with: `$书法班` is the number of the case that the scenario calls so."""
    if isinstance(given, Mapping):
        return {key: numbered(walk, each) for key, each in given.items()}
    if isinstance(given, list):
        return [numbered(walk, each) for each in given]
    if not isinstance(given, str) or not given.startswith("$") or given[1:] not in walk.cases:
        return given
    with walk.about(given[1:]):
        return case_of(walk)["number"]


def expect_filed(walk: Walk, given: Row) -> None:
    """A case filed another one that has no name here yet: from now on it is called so."""
    with walk.about(given.get("case") or FIRST):
        filer = case_of(walk)
    which = {"case": filer["id"], "process": given["process"], "known": list(walk.cases.values())}
    with reading() as session:
        found = session.execute(_TIED, which).first()
    if found is None:
        raise Unmet(f"应当登记了流程 {given['process']} 的一件，实际没有。")
    walk.cases[given["called"]] = found.id
    walk.say(f"系统登记“{found.title}”（{found.number}）")
