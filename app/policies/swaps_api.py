"""Swaps of policies over HTTP: looked at first, asked for, and the report of what came of each case."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from flask import Response

from app.core.errors import NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.core.http.pages import PageQuery
from app.identity.door import actor
from app.identity.permissions import POLICY_SWAP
from app.policies import swapping, swaps
from app.policies.swap_schemas import SwapIn, SwapLinesOut, SwapOut, SwapsOut, SwapTrialOut
from app.policies.swapping import SwapNotNewer, SwapRunning, Trial

blp = Blueprint("policy-swaps", __name__, url_prefix="/api/v1/processes", description="时限规则")


@blp.get("/<id:key>/policies/<id:number>/swap")
@blp.response(200, SwapTrialOut())
@blp.needs(POLICY_SWAP)
@blp.problems(NotFound, SwapNotNewer)
def look(key: str, number: str) -> Response:
    """先看看：在办的件换用这一版时限规则，各个时钟的到期怎么变，哪些换不了、为什么。什么都不保存。"""
    return sent(_trial(swapping.trial(actor(), key, _number(number))))


@blp.post("/<id:key>/policies/<id:number>/swap")
@blp.moves
@blp.arguments(SwapIn(), example={"reason": "区里 3 月 1 日起执行新的办理时限"})
@blp.response(202, SwapOut())
@blp.needs(POLICY_SWAP)
@blp.problems(NotFound, SwapNotNewer, SwapRunning)
def ask(body: dict[str, Any], key: str, number: str) -> Response:
    """在办的件换用这一版时限规则：后台逐件地换，换过的不再换；停了的时钟不动，暂停、延期都保留。"""
    return idempotent.write(
        lambda session: swapping.ask(session, actor(), key, _number(number), body["reason"]),
        lambda row: idempotent.stored(202, _swap({**row, "moved": 0, "left": 0})),
    )


@blp.get("/<id:key>/policy-swaps")
@blp.response(200, SwapsOut())
@blp.needs(POLICY_SWAP)
@blp.problems(NotFound)
def every(key: str) -> Response:
    """一个流程换用时限规则的记录，新的在前：谁在什么时候发起，换了多少件，多少件换不了。"""
    return sent({"items": [_swap(row) for row in swaps.every(actor(), key)]})


@blp.get("/<id:key>/policy-swaps/<id:swap_id>/cases")
@blp.arguments(PageQuery(), location="query")
@blp.response(200, SwapLinesOut())
@blp.needs(POLICY_SWAP)
@blp.problems(NotFound)
def report(query: dict[str, Any], key: str, swap_id: str) -> Response:
    """一次换用的报告：每件原来第几版，各个时钟的到期由什么时候改到什么时候，换不了的原因。"""
    me = actor()
    load = partial(swaps.lines, me, key, swap_id)
    return sent(pages.of_rows(me.id, f"policy-swaps:{swap_id}", query, load, _line, "case_id"))


def _number(text: str) -> int:
    """Raises NotFound for what is no number."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise NotFound
    return int(text)


def _trial(tried: Trial) -> dict[str, Any]:
    left = sum(line.why is not None for line in tried.lines)
    items = [
        {
            "case_id": line.case["id"],
            "number": line.case["number"],
            "was": line.was,
            "why": line.why,
            "clocks": line.clocks,
        }
        for line in tried.lines
    ]
    return {
        "number": tried.target.number,
        "total": tried.total,
        "lookedAt": len(items),
        "movable": len(items) - left,
        "left": left,
        "items": [_line(each) for each in items],
    }


def _swap(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "number": row["number"],
        "reason": row["reason"],
        "askedBy": row["called"],
        "askedAt": out(row["asked_at"]),
        "state": row["state"],
        "endedAt": out(row["ended_at"]),
        "moved": row["moved"],
        "left": row["left"],
    }


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "case": row["case_id"],
        "number": row["number"],
        "was": row["was"],
        "why": row["why"],
        "clocks": [
            {**each, "wasDue": _out(each["wasDue"]), "due": _out(each["due"])} for each in row["clocks"]
        ],
    }


def _out(text: str | None) -> str | None:
    return out(datetime.fromisoformat(text)) if text else None
