"""A scenario may file several cases: the first is 本件, each further one is called something."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.bundles.bundle import Bundle
from app.bundles.keys import Found, nearest
from app.processes.scenario_file import FIRST

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
        if kind == "start" or (kind == "message" and _starts(bundle, given)):
            _check_new(given.get("called"), known, found, here)
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


def _check_new(called: str | None, known: list[str], found: Found, here: tuple[str | int, ...]) -> None:
    name = called or FIRST
    if called is not None and not known:
        zh = f"第一件叫“{FIRST}”，不写 called。"
        found.error("scenario-key", (*here, "called"), zh, "The first case has no name of its own.")
    elif name in (*known, NOWHERE):
        zh = (
            f"已经有一件叫“{name}”，请换个名称。"
            if called
            else "再登记一件时要写 called：这一件的名称，后面的步骤用 case 指它。"
        )
        found.error("scenario-case-named-twice", here, zh, f'A case called "{name}" was filed before.')
    known.append(name)
