"""What polls/api.py takes and gives."""

from typing import Any

from marshmallow import ValidationError, fields

from app.core.http.fields import (
    Identifier,
    ListOf,
    Message,
    Moment,
    OneOf,
    QueryWhole,
    Schema,
    Shape,
    Text,
    Whole,
)
from app.core.http.pages import PageOut, PageQuery
from app.polls.box import CODE
from app.polls.models import CHANNELS, STATES
from app.polls.tally import RESULTS

MOST_PAPER = 200


class ChoiceIn(Schema):
    """What is chosen in one matter: options by their number; none is an abstention."""

    matter = Whole(1, 100, required=True)
    options = ListOf(Whole(1, 100), most=20, required=True)


def _chosen(values: list[dict[str, Any]]) -> None:
    if len({each["matter"] for each in values}) < len(values):
        raise ValidationError([Message("matter-twice", "同一项写了两次。")])


def _code(value: str) -> None:
    if not CODE.fullmatch(value):
        raise ValidationError(
            [Message("receipt-code", "回执码应为 22 至 64 个字母、数字、- 或 _，请随机取。")]
        )


class BallotIn(Schema):
    """A ballot, and the receipt code that its voter chose by chance and keeps."""

    choices = ListOf(Shape(ChoiceIn), most=20, required=True, validate=_chosen)
    code = Text(
        64,
        least=1,
        required=True,
        validate=_code,
        metadata={"description": "自己随机取的回执码，服务器不保存"},
    )


class VotedOut(Schema):
    """That the ballot is in. What it says is not repeated."""

    poll = fields.String(required=True)
    voted = fields.Boolean(required=True)


class PaperBallot(Schema):
    """One ballot on paper."""

    choices = ListOf(Shape(ChoiceIn), most=20, required=True, validate=_chosen)


class PaperIn(Schema):
    """Ballots on paper: who handed one in, the ballots, and the attachment that shows it. In a real-name poll
    the first ballot is the first person's, in a secret one the lists are not paired."""

    people = ListOf(Text(60, least=1), required=True, least=1, most=MOST_PAPER)
    ballots = ListOf(Shape(PaperBallot), required=True, least=1, most=MOST_PAPER)
    proof = Identifier(64, required=True, metadata={"description": "凭证：办件的一个附件"})


class EnteredOut(Schema):
    """How many ballots were entered."""

    poll = fields.String(required=True)
    entered = fields.Integer(required=True)


class RecuseIn(Schema):
    """Why; staff name the person."""

    person = Text(60, least=1, load_default=None, metadata={"description": "居民账号；本人回避不写"})
    reason = Text(500, least=1, required=True)


class RecusedOut(Schema):
    """That somebody left the roll."""

    poll = fields.String(required=True)
    recused = fields.Boolean(required=True)


class CodeIn(Schema):
    """A receipt code."""

    code = Text(64, least=1, required=True, validate=_code)


class PollQuery(PageQuery):
    """Which polls."""

    case = Identifier(64, load_default=None)
    state = OneOf(tuple(STATES), load_default=None)


class ReceiptQuery(PageQuery):
    """Which matter's receipts."""

    matter = QueryWhole(1, 100, load_default=1)


class OptionOut(Schema):
    """An option and its votes, once they are shown."""

    choice = fields.Integer(required=True)
    text = fields.String(required=True)
    votes = fields.Integer(required=True, allow_none=True)


class MatterOut(Schema):
    """One matter: `winner` is the option that prevails, `passed` whether it is decided."""

    matter = fields.Integer(required=True)
    title = fields.String(required=True)
    most = fields.Integer(required=True)
    abstention = fields.Boolean(required=True)
    options = ListOf(Shape(OptionOut), required=True)
    passed = fields.Boolean(required=True, allow_none=True)
    winner = fields.String(required=True, allow_none=True)


class MineOut(Schema):
    """Whether I have voted, never what."""

    voted = fields.Boolean(required=True)
    channel = OneOf(tuple(CHANNELS), required=True, allow_none=True)
    recused = fields.Boolean(required=True)


class PollOut(Schema):
    """A poll. `over` also when its time is up and the diagram has not closed it yet; `mine` for residents."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    name = fields.String(required=True)
    attempt = fields.Integer(required=True)
    title = fields.String(required=True)
    secret = fields.Boolean(required=True)
    state = OneOf(tuple(STATES), required=True)
    over = fields.Boolean(required=True)
    opened_at = Moment(required=True)
    ends_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    eligible = fields.Integer(required=True)
    voted = fields.Integer(required=True)
    quorum = fields.String(required=True, allow_none=True)
    quorum_met = fields.Boolean(required=True)
    passes = fields.String(required=True)
    result = OneOf(tuple(RESULTS), required=True, allow_none=True)
    digest = fields.String(required=True, allow_none=True)
    matters = ListOf(Shape(MatterOut), required=True)
    mine = Shape(MineOut, required=True, allow_none=True)


class PollPage(Schema):
    """A page of polls, newest first."""

    items = ListOf(Shape(PollOut), required=True)
    page = Shape(PageOut, required=True)


class ReceiptOut(Schema):
    """A receipt and what was chosen; `voter` only for staff and only in a real-name poll."""

    receipt = fields.String(required=True)
    choices = ListOf(fields.String(), required=True)
    voter = fields.String(required=True, allow_none=True)


class ReceiptPage(Schema):
    """A page of receipts, in their order."""

    items = ListOf(Shape(ReceiptOut), required=True)
    page = Shape(PageOut, required=True)


class ReceiptChecked(Schema):
    """What is counted for a code in one matter."""

    matter = fields.Integer(required=True)
    title = fields.String(required=True)
    receipt = fields.String(required=True)
    counted = fields.Boolean(required=True)
    choices = ListOf(fields.String(), required=True)


class CheckPage(Schema):
    """Matter by matter."""

    items = ListOf(Shape(ReceiptChecked), required=True)


class RecountOut(Schema):
    """A count of the published list, and whether it agrees."""

    poll = fields.String(required=True)
    result = OneOf(tuple(RESULTS), required=True)
    voted = fields.Integer(required=True)
    eligible = fields.Integer(required=True)
    matters = ListOf(Shape(MatterOut), required=True)
    digest = fields.String(required=True)
    counts_agree = fields.Boolean(required=True)
    every_voter_once = fields.Boolean(required=True)
    digest_agrees = fields.Boolean(required=True)
    agrees = fields.Boolean(required=True)


class VoterOut(Schema):
    """One person of the roll, and whether a ballot is in; never what it says."""

    id = fields.String(required=True)
    login = fields.String(required=True)
    name = fields.String(required=True)
    voted = fields.Boolean(required=True)
    channel = OneOf(tuple(CHANNELS), required=True, allow_none=True)
    proof = fields.String(required=True, allow_none=True)
    recused = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)


class VoterPage(Schema):
    """A page of the roll."""

    items = ListOf(Shape(VoterOut), required=True)
    page = Shape(PageOut, required=True)
