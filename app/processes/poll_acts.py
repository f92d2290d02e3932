"""What residents and staff do with a poll of the walk's case: vote, hand in on paper, leave the roll."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.bundles.keys import Any_, Key, Many, Text, Whole
from app.cases.attachments.models import kept
from app.core.db import reading
from app.polls import casting
from app.polls.models import polls
from app.processes.acts import REASON, WHO, Doing, act
from app.processes.stage import Unmet

BALLOT = Many(Many(Whole(1, 20)), least=1)
"""Matter by matter the options chosen, by their number; none is an abstention."""


@act(
    "vote",
    "投票",
    "case",
    choices=Key(BALLOT, "每项选了第几个，例如 [[1], [2, 3]]；空的是弃权", required=True),
)
def _vote(doing: Doing) -> str:
    code = secrets.token_urlsafe(24)
    casting.cast(doing.actor, _poll(doing), _ballot(doing.given["choices"]), code)
    return "投票"


@act(
    "paperVote",
    "录入线下票",
    "case",
    people=Key(Many(WHO, least=1), "谁投的", required=True),
    choices=Key(Many(Any_(), least=1), "每张票每项选了第几个，例如 [[[1]], [[2]]]", required=True),
    file=Key(Text(says="文件名", longest=60), "办件里作凭证的附件", required=True),
)
def _paper(doing: Doing) -> str:
    people = [doing.walk.actor(str(each)) for each in doing.given.get("people", ())]
    with reading() as session:
        files = {file.name: file.id for file in kept(session, doing.case["id"])}
    proof = files.get(doing.text("file"), doing.text("file"))
    ballots = tuple(_ballot(each) for each in doing.given["choices"])
    logins = tuple(each.login for each in people)
    casting.enter_paper(doing.actor, _poll(doing), casting.Paper(logins, ballots, proof))
    return f"录入{'、'.join(each.name for each in people)}的线下票，凭证“{doing.text('file')}”"


@act("recusePoll", "投票回避", "case", person=Key(WHO, "谁回避；本人回避不写"), reason=REASON)
def _recuse(doing: Doing) -> str:
    named = doing.text("person")
    who = doing.walk.actor(named).login if named else None
    casting.recuse(doing.actor, _poll(doing), who, doing.text("reason"))
    return f"{'登记' + named if named else ''}投票回避：{doing.text('reason')}"


def _poll(doing: Doing) -> str:
    """The newest poll of the case. Raises Unmet before there is one."""
    found = select(polls.c.id).where(polls.c.case_id == doing.case["id"]).order_by(polls.c.id.desc()).limit(1)
    with reading() as session:
        poll: str | None = session.scalar(found)
    if poll is None:
        raise Unmet("还没有开始投票。")
    return poll


def _ballot(choices: Sequence[Any]) -> casting.Choices:
    return {place: list(options) for place, options in enumerate(choices, 1)}
