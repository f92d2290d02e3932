"""What voting/api.py gives."""

from marshmallow import fields

from app.cases.voting.service import STATES
from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape
from app.engine.votes import RESULTS


class SignerOut(Schema):
    """One signer of the list. `item` is a unit's code or a person's login, `called` their name; `by` who
    voted or recused himself, `opinion` what was written then."""

    place = fields.Integer(required=True)
    item = fields.String(required=True, allow_none=True)
    called = fields.String(required=True, allow_none=True)
    task = fields.String(required=True, allow_none=True)
    state = OneOf(STATES, required=True)
    by = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    opinion = fields.String(required=True, allow_none=True)
    at = Moment(required=True, allow_none=True)


class VotesOut(Schema):
    """A vote: `total` are those who count, `votes` how many chose each outcome, `result` how it ended."""

    task = fields.String(required=True)
    case = fields.String(required=True)
    step = fields.String(required=True)
    name = fields.String(required=True)
    round = fields.Integer(required=True)
    sequential = fields.Boolean(required=True)
    rules = ListOf(fields.String(), required=True)
    over = fields.Boolean(required=True)
    result = OneOf(RESULTS, required=True, allow_none=True)
    total = fields.Integer(required=True)
    done = fields.Integer(required=True)
    votes = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    signers = ListOf(Shape(SignerOut), required=True)
