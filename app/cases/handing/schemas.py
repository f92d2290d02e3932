"""What handing/api.py takes."""

from app.cases.schemas import ReasonIn
from app.core.http.fields import Answers, ListOf, OneOf, Schema, Text


class DelegateIn(ReasonIn):
    """To whom, and why."""

    to = Text(60, least=1, required=True, metadata={"description": "受委派人的登录名，本单位或下级单位的人"})


class AssignDownIn(Schema):
    """Which unit below, and what it is to do."""

    unit = Text(60, least=1, required=True, metadata={"description": "下级单位的代码"})
    demand = Text(500, lines=True, least=1, required=True, metadata={"description": "要办什么"})


class ResolveIn(Schema):
    """What one says when giving back, and what was filled in: it becomes the other's draft."""

    opinion = Text(500, lines=True, least=1, required=True)
    answers = Answers(load_default=dict)


class SignersIn(ReasonIn):
    """Who must sign too, when, and why."""

    people = ListOf(
        Text(60, least=1),
        required=True,
        least=1,
        most=20,
        metadata={"description": "登录名；会签里也可以写单位代码"},
    )
    where = OneOf(
        ("before", "beside", "after"), required=True, metadata={"description": "前加签、并加签、后加签"}
    )


class SignerGone(Schema):
    """Whose signature is not needed any more, and why."""

    person = Text(60, least=1, required=True, metadata={"description": "登录名；会签里也可以是单位代码"})
    reason = Text(500, least=1, required=True)
