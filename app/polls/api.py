"""Polls of residents over HTTP."""

from functools import partial
from typing import Any

import orjson
from flask import Response

from app.cases.errors import CaseBusy
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import POLL_MANAGE, POLL_READ
from app.polls import casting, viewing
from app.polls.casting import Choices, Paper
from app.polls.errors import AlreadyVoted, BallotRefused, NotEligible, PollClosed, PollOpen, ReceiptTaken
from app.polls.schemas import (
    BallotIn,
    CheckPage,
    CodeIn,
    EnteredOut,
    PaperIn,
    PollOut,
    PollPage,
    PollQuery,
    ReceiptPage,
    ReceiptQuery,
    RecountOut,
    RecusedOut,
    RecuseIn,
    VotedOut,
    VoterPage,
)

blp = Blueprint("polls", __name__, url_prefix="/api/v1/polls", description="居民投票")

BALLOT = {"choices": [{"matter": 1, "options": [1]}], "code": "pQ3v0rJx2m6Yt1Zk8Wn5Ba"}


@blp.get("")
@blp.everybody
@blp.arguments(PollQuery(), location="query")
@blp.response(200, PollPage())
@blp.needs(POLL_READ)
def list_polls(query: dict[str, Any]) -> Response:
    """投票：居民看自己有资格投的，工作人员看范围内办件的，新的在前。"""
    me = actor()
    load = partial(viewing.page, me, query["case"], query["state"])
    view = f"polls:{query['case']}:{query['state']}"
    return sent(pages.of_rows(me.id, view, query, load))


@blp.get("/<id:poll_id>")
@blp.everybody
@blp.response(200, PollOut())
@blp.needs(POLL_READ)
@blp.problems(NotFound, Forbidden)
def get_poll(poll_id: str) -> Response:
    """一次投票：事项、选项、起止、应投和已投人数、我投了没有；结束以后有票数和结果。"""
    return sent(viewing.look(actor(), poll_id))


@blp.post("/<id:poll_id>/ballots")
@blp.residents
@blp.moves
@blp.arguments(BallotIn(), example=BALLOT)
@blp.response(201, VotedOut())
@blp.problems(
    NotFound, Forbidden, AlreadyVoted, PollClosed, NotEligible, ReceiptTaken, BallotRefused, CaseBusy
)
def cast_ballot(body: dict[str, Any], poll_id: str) -> Response:
    """投票，一人一票，不能改。回执码由投票人自己随机取、自己保存，凭它核对自己的票；服务器不保存。"""
    once = idempotent.once(
        _voted(poll_id), content=b""
    )  # of a secret ballot nothing is kept, no mark of it either
    return idempotent.send(casting.cast(actor(), poll_id, _choices(body), body["code"], once))


@blp.post("/<id:poll_id>/paper-ballots")
@blp.moves
@blp.arguments(
    PaperIn(),
    example={
        "people": ["jumin3"],
        "ballots": [{"choices": [{"matter": 1, "options": [2]}]}],
        "proof": "0190…",
    },
)
@blp.response(201, EnteredOut())
@blp.needs(POLL_MANAGE)
@blp.problems(NotFound, Forbidden, AlreadyVoted, PollClosed, ReceiptTaken, BallotRefused, CaseBusy)
def enter_paper_ballots(body: dict[str, Any], poll_id: str) -> Response:
    """录入线下的纸质票，附上凭证；投过的人不能再录。实名投票里人和票依次对应，无记名的不对应。"""
    paper = Paper(tuple(body["people"]), tuple(_choices(each) for each in body["ballots"]), body["proof"])

    def render(told: dict[str, Any]) -> Stored:
        return idempotent.stored(201, {"poll": poll_id, "entered": told["entered"]})

    content = orjson.dumps([body["people"], body["proof"]])
    once = idempotent.once(render, content=content)
    return idempotent.send(casting.enter_paper(actor(), poll_id, paper, once))


@blp.post("/<id:poll_id>/recusals")
@blp.everybody
@blp.moves
@blp.arguments(RecuseIn(), example={"reason": "与事项有利害关系"})
@blp.response(201, RecusedOut())
@blp.needs(POLL_MANAGE)
@blp.problems(NotFound, Forbidden, AlreadyVoted, PollClosed, BallotRefused, CaseBusy)
def recuse_from_poll(body: dict[str, Any], poll_id: str) -> Response:
    """回避：居民本人，或由工作人员登记某位居民；不再计入应投人数，投过的不能回避。"""
    once = idempotent.once(lambda _: idempotent.stored(201, {"poll": poll_id, "recused": True}))
    return idempotent.send(casting.recuse(actor(), poll_id, body["person"], body["reason"], once))


@blp.get("/<id:poll_id>/receipts")
@blp.everybody
@blp.arguments(ReceiptQuery(), location="query")
@blp.response(200, ReceiptPage())
@blp.needs(POLL_READ)
@blp.problems(NotFound, Forbidden, PollOpen)
def list_receipts(query: dict[str, Any], poll_id: str) -> Response:
    """结束以后公布的回执和所选：谁都可以自己再数一遍。"""
    me = actor()
    load = partial(viewing.published, me, poll_id, query["matter"])
    return sent(pages.of_rows(me.id, f"receipts:{poll_id}:{query['matter']}", query, load, key="receipt"))


@blp.post("/<id:poll_id>/receipts/check")
@blp.everybody
@blp.arguments(CodeIn(), example={"code": "pQ3v0rJx2m6Yt1Zk8Wn5Ba"})
@blp.response(200, CheckPage())
@blp.needs(POLL_READ)
@blp.problems(NotFound, Forbidden)
def check_receipt(body: dict[str, Any], poll_id: str) -> Response:
    """凭回执码核对自己的票怎样计入；什么也不记下。"""
    return sent({"items": viewing.check(actor(), poll_id, body["code"])})


@blp.get("/<id:poll_id>/recount")
@blp.everybody
@blp.response(200, RecountOut())
@blp.needs(POLL_READ)
@blp.problems(NotFound, Forbidden, PollOpen)
def recount_poll(poll_id: str) -> Response:
    """按公布的回执重新计票，与结束时的票数、投票人数、审计链里的摘要比较。"""
    return sent(viewing.recount(actor(), poll_id))


@blp.get("/<id:poll_id>/voters")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, VoterPage())
@blp.needs(POLL_MANAGE)
@blp.problems(NotFound, Forbidden)
def list_voters(query: dict[str, Any], poll_id: str) -> Response:
    """名单：谁有资格、投了没有、怎么投的、谁回避了；看不到投了什么。"""
    me = actor()
    load = partial(viewing.roll, me, poll_id, POLL_MANAGE)
    return sent(pages.of_rows(me.id, f"voters:{poll_id}", query, load))


def _voted(poll_id: str) -> Any:
    return lambda _: idempotent.stored(201, {"poll": poll_id, "voted": True})


def _choices(body: dict[str, Any]) -> Choices:
    return {each["matter"]: each["options"] for each in body["choices"]}
