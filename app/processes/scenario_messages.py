"""What other systems do in a scenario: they send messages, and receive what cases send."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles.bundle import Bundle
from app.bundles.messages import Message
from app.cases import filing, waits
from app.cases.advance import advance
from app.cases.commands import Deliver, FinishWork, NewCase
from app.cases.commands.feeding import Word
from app.cases.external.models import external_tasks
from app.cases.joined import joined
from app.cases.models import cases
from app.cases.motion import RowLookups
from app.core import clock, events
from app.core.db import Session, reading
from app.core.events import Event
from app.identity.actor import SYSTEM
from app.processes.scenario_file import FIRST
from app.processes.stage import Row, Unmet, Walk, case_of

_OWN = {"$externalNo": "external_no", "$number": "number"}

_WORK = (
    select(external_tasks.c.id, external_tasks.c.name)
    .where(
        external_tasks.c.case_id == bindparam("case"),
        external_tasks.c.element == bindparam("element"),
        external_tasks.c.state == "open",
    )
    .order_by(external_tasks.c.id)
)

_FILED = select(cases.c.id, cases.c.version_id).where(cases.c.number == bindparam("number"))

_sent: ContextVar[list[Event] | None] = ContextVar("huying_walk_sent", default=None)
"""What left cases since this walk began, of this walk alone."""


@events.listen
def _keep_what_leaves(session: Session, told: Sequence[Event]) -> None:
    if (kept := _sent.get()) is not None:
        kept += [event for event in told if event.name == "message.sent"]


@contextmanager
def listening() -> Iterator[None]:
    """While a walk lasts what leaves its cases is kept for `partner`; at first nothing has been sent."""
    before = _sent.set([])
    try:
        yield
    finally:
        _sent.reset(before)


def bring(walk: Walk, given: Row) -> None:
    """A message comes, and reaches whom it would: a case is filed, or every case that is meant goes on."""
    message = walk.bundle.messages[given["name"]]
    key = _key(walk, given["key"])
    with reading() as session:
        now = clock.now(session)
        sender = walk.actor(given["by"]) if message.starts else SYSTEM
        values = message.values(
            given.get("payload", {}),
            {},
            RowLookups(session, now, {}),
            lambda code: filing.place_of(session, sender, code, now) is not None,
        )
    if message.starts:
        _file(walk, given, key, values)
        return
    with reading() as session:
        waiting = waits.waiting_for(session, message.name, key)
    if not waiting and _heard(walk, message, key, given.get("payload", {})):
        return
    if not waiting:
        raise Unmet(f"没有办件在等消息 {message.name}（编号 {key}）。")
    if len(waiting) > 1 and message.several == "refuse":
        raise Unmet(f"有 {len(waiting)} 处在等消息 {message.name}（编号 {key}），messages.yaml 里是 refuse。")
    word = _word(message, key, given.get("payload", {})) if message.of_process else None
    for wait in waiting if message.several == "all" else waiting[:1]:
        advance(Deliver(wait["case_id"], wait["ref"], values, word=word), SYSTEM)
    walk.say(f"收到消息 {message.name}")


def _word(message: Message, key: str, payload: Row) -> Word:
    """What the filed case is taken to tell of itself."""
    with reading() as session:
        filed = session.execute(_FILED, {"number": key}).one()
    process, status = bundles.get(filed.version_id).process, payload.get("status")
    return Word(filed.id, process.name, status, process.public_status(status))


def _heard(walk: Walk, message: Message, key: str, payload: Row) -> bool:
    """Whether it is for a case that was merged: then the one it joined gets it, or both are told."""
    with reading() as session:
        of_walk = select(cases.c.source).where(cases.c.id.in_(walk.cases.values()))
        sources = [row.source for row in session.execute(of_walk)]
        found = next(iter(joined(session, message.name, key, sources)), None)
        if found is None:
            return False
        meant = found.bundle.messages[message.name]
        values = meant.values(payload, {}, RowLookups(session, clock.now(session), {}))
    advance(found.commands(message.name, values, None), SYSTEM)
    became = "记下来，告诉两件" if found.wait is None else "转给并入的那一件"
    walk.say(f"收到消息 {message.name}，{became}")
    return True


def hand_in(walk: Walk, given: Row) -> None:
    """A system outside has done the work of one element, or reports an error."""
    case_of(walk)
    with reading() as session:
        found = session.execute(_WORK, {"case": walk.case_id, "element": given["step"]}).first()
    if found is None:
        raise Unmet(f"“{given['step']}”现在没有在等外部系统。")
    error = given.get("error")
    advance(FinishWork(walk.case_id or "", found.id, given.get("answers", {}), error), SYSTEM)
    walk.say(f"外部系统办理“{found.name}”" + (f"，报出 {error}" if error else ""))


def expect_sent(walk: Walk, given: Row) -> None:
    """The oldest message of this name that nobody asked for yet holds what is expected."""
    kept = _sent.get() or []
    found = next((event for event in kept if event.data["message"] == given["received"]), None)
    if found is None:
        names = "、".join(str(event.data["message"]) for event in kept) or "（没有）"
        raise Unmet(f"对方应已收到 {given['received']}，还没有核对过的有 {names}。")
    body = found.payload or {}
    for name, wanted in given.get("body", {}).items():
        if body.get(name) != wanted:
            raise Unmet(f"{given['received']} 的 {name} 应为“{wanted}”，实际是“{body.get(name)}”。")
    kept.remove(found)
    walk.say(f"对方收到消息 {given['received']}")


def _key(walk: Walk, text: str) -> str:
    named = walk.cases.get(text.removeprefix("$")) if text.startswith("$") else None
    if named is not None:
        with reading() as session:
            return str(session.scalar(select(cases.c.number).where(cases.c.id == named)))
    if text not in _OWN:
        return text
    own = case_of(walk)[_OWN[text]]
    if own is None:
        raise Unmet(f"这件没有来源编号，{text} 是空的。")
    return str(own)


def _file(walk: Walk, given: Row, key: str, values: Mapping[str, Any]) -> None:
    starts = walk.bundle.engine.start_messages
    start = next(start for start, message in starts.items() if message == given["name"])
    answers = dict(values)
    received = answers.pop("received_at", None)
    new = NewCase(
        walk.bundle.key,
        answers.pop("title", None) or walk.scenario.name,
        external_no=key,
        received_at=datetime.fromisoformat(received) if received else None,
        place_unit=answers.pop("place_unit", None),
        priority=answers.pop("priority", None) or NewCase.priority,
        answers=answers,
        start=start,
    )
    filed(walk, filing.file_case(walk.actor(given["by"]), new), walk.bundle)
    walk.say(f"收到消息 {given['name']}，登记“{case_of(walk)['title']}”（{case_of(walk)['number']}）")


def filed(walk: Walk, moved: Any, bundle: Bundle) -> None:
    """The walk has the case it is about now. Raises Unmet for one of another version."""
    if not isinstance(moved, filing.Moved):
        raise Unmet("登记没有得到办件。")
    walk.cases[walk.at] = moved.case["id"]
    if walk.at == FIRST:
        walk.story.case_id = moved.case["id"]
    if bundle is walk.bundle and moved.case["version_id"] != walk.version:
        raise Unmet("登记时已有更新的流程版本，场景没有走在要走的版本上。")
