"""拆分 as sentences: split a case, look first, take a part back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.cases import numbers, viewing
from app.cases.advance import Moved, advance
from app.cases.commands.splitting import Part, PartTakenBack, Split, TakePartBack
from app.cases.models import SPLIT_FROM, case_links
from app.cases.tree import Tree
from app.cases.verbs import split as verb
from app.core import once as onces
from app.core.db import reading, transaction
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.permissions import CASE_SPLIT
from app.identity.scopes import require

SECRETS_STAY = "secrets-stay"
CLOCKS_RUN = "clocks-run"
_LATER = "第 {} 件（拆分时编号）"
_PARENT = select(case_links.c.to_id).where(
    case_links.c.from_id == bindparam("part"), case_links.c.kind == SPLIT_FROM
)


def split(
    actor: Actor,
    case_id: str,
    parts: Sequence[Part],
    reason: str,
    seen: int | None,
    request: Once | None = None,
) -> Moved | Stored:
    """Each part becomes a case; all or none. Raises CannotSplit, VerbForbidden, AnswersRefused, Stale …"""
    require(actor, CASE_SPLIT, subject=case_id)
    with reading() as session:
        if request is not None and (stored := onces.look_up(session, request)) is not None:
            return stored  # before numbers are taken
        case = viewing.visible(session, actor, case_id)
    plan(actor, case_id, parts)  # what is refused draws no numbers
    pattern = bundles.get(case["version_id"]).process.number
    trial = request is not None and request.dry
    numbered = tuple(
        replace(each, number=_LATER.format(i) if trial else numbers.take(pattern, case["received_at"]))
        for i, each in enumerate(parts, 1)
    )
    return advance(Split(case_id, numbered, reason, seen), actor, request)


def plan(actor: Actor, case_id: str, parts: Sequence[Part]) -> dict[str, Any]:
    """What a split would make, and what one should know before; nothing is written. Raises as split does."""
    with transaction() as session:
        command = Split(case_id, tuple(parts), "预演", None)
        motion = Tree.locked(session, actor, [command]).of(command)
        verb.allowed(motion)
        made = verb.parts_of(motion, command)
        shown = [_shown(part.case, each.attachments) for part, each in zip(made, parts, strict=True)]
        return {"parts": shown, "prompts": _prompts(verb.secrets_of(motion))}


def take_back(actor: Actor, part_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """撤销拆分, while nobody has touched the part. Raises CannotTakeBack, CaseClosed, NotFound …"""
    with reading() as session:
        viewing.visible(session, actor, part_id)
        parent = session.scalar(_PARENT, {"part": part_id})
    commands: list[Any] = [TakePartBack(part_id, reason)]
    if parent is not None:
        commands.append(PartTakenBack(parent, part_id))
    return advance(commands, actor, request)


def _shown(case: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    return {"title": case["title"], "answers": dict(case["data"]), "attachments": list(files)}


def _prompts(kept: Sequence[str]) -> list[dict[str, str]]:
    found = [{"code": CLOCKS_RUN, "text": "拆出的各件从原件收到的时刻起算时限，已经过去的时间不重新计。"}]
    if kept:
        says = f"{'、'.join(kept)}加密保存，留在原件，不带到拆出的各件；需要时从关联的原件查看。"
        found.append({"code": SECRETS_STAY, "text": says})
    return found
