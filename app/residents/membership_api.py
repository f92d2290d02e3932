"""居民注册、加入社区 and 审核 over HTTP."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response

from app.cases.errors import ReasonRequired
from app.cases.schemas import ReasonIn
from app.cases.secrets.reveal import RevealLimit
from app.core import clock
from app.core.db import reading, transaction
from app.core.errors import Forbidden, NotFound, Unavailable
from app.core.http import gate, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING, out
from app.core.once import Stored
from app.identity.door import actor
from app.identity.people import UnitUnknown
from app.identity.permissions import RESIDENT_READ, RESIDENT_REVIEW
from app.residents import joining, persons, reviewing
from app.residents.joining import AlreadyMember, CommunityUnknown, MembershipOver, MembershipsEnough
from app.residents.membership_schemas import (
    ApplyIn,
    EnterIn,
    LeaveIn,
    MembershipOut,
    MembershipPage,
    MembershipQuery,
    OwnMembership,
    OwnMemberships,
    ProfileOut,
    RegisteredOut,
    RegisterIn,
    ReviewIn,
    ReviewOut,
    WholePerson,
)
from app.residents.persons import (
    AlreadyRegistered,
    LoginTaken,
    PersonRefused,
    RegisteredEnough,
    RegistrationClosed,
)
from app.residents.reviewing import MembershipDecided

blp = Blueprint("memberships", __name__, url_prefix="/api/v1", description="居民注册与社区成员")

PERSON = {
    "login": "jumin9",
    "realName": "居民壬",
    "phone": "10000000009",
    "idNumber": "110199199003030031",
    "unit": "d1-s1-c1",
    "household": "registered",
    "tenure": "owner",
}
ON_A_PERSON = (PersonRefused, LoginTaken, AlreadyRegistered, CommunityUnknown, Unavailable)


@blp.post("/residents")
@blp.public
@blp.writes
@blp.arguments(RegisterIn(), example={**PERSON, "password": "…"})
@blp.response(201, RegisteredOut())
@blp.problems(*ON_A_PERSON, RegistrationClosed, RegisteredEnough)
def register(body: dict[str, Any]) -> Response:
    """居民注册：实名，并申请加入一个社区；注册后即已登录，社区审核通过后才是成员。

    令牌只显示这一次。不需要 Idempotency-Key：同一个证件号只能注册一次。生产环境不开放，由社区代为登记。
    """
    with transaction() as session:
        persons.count_attempt(session, gate.client_address())
    hashed = persons.password_hash(body["password"])
    with transaction() as session:
        account = persons.new_account(session, body, None, hashed, clock.now(session))
        joined = joining.apply(session, account.id, body)
        token, expires_at = persons.signed_in(session, account)
    person = {"id": account.id, "login": account.login, "name": account.name, "kind": gate.RESIDENT}
    shown = {
        "token": token,
        "expiresAt": out(expires_at),
        "person": {**person, "appointments": [], "permissions": {}},
        "membership": _own(joined),
    }
    return sent(shown, 201)


# — one's own —


@blp.get("/my/profile")
@blp.residents
@blp.response(200, ProfileOut())
def my_profile() -> Response:
    """我的注册信息，完整的。"""
    me = actor()
    with reading() as session:
        return sent(persons.profile(session, me))


@blp.get("/my/memberships")
@blp.residents
@blp.response(200, OwnMemberships())
def my_memberships() -> Response:
    """我加入的和申请加入的社区，新的在前，结束的也在。"""
    me = actor()
    with reading() as session:
        return sent({"items": [_own(row) for row in joining.mine(session, me)]})


@blp.post("/my/memberships")
@blp.residents
@blp.moves
@blp.arguments(ApplyIn(), example={"unit": "d1-s1-c2", "household": "registered", "tenure": "tenant"})
@blp.response(201, OwnMembership())
@blp.problems(CommunityUnknown, AlreadyMember, MembershipsEnough, MembershipOver)
def join(body: dict[str, Any]) -> Response:
    """申请加入一个社区，可以同时是几个社区的成员；写 moves 是平移：新社区通过以前，原来的照旧。"""
    me = actor()
    return idempotent.write(
        lambda session: joining.apply(session, me.id, body),
        lambda row: idempotent.stored(201, _own(row)),
    )


@blp.post("/my/memberships/<id:membership_id>/leave")
@blp.residents
@blp.moves
@blp.arguments(LeaveIn(), example={"reason": "已搬走"})
@blp.response(200, OwnMemberships())
@blp.problems(NotFound, MembershipOver)
def leave(body: dict[str, Any], membership_id: str) -> Response:
    """撤回申请，或退出社区；以前是成员的时候照旧算数。"""
    me = actor()

    def act(session: Any) -> list[dict[str, Any]]:
        joining.leave(session, me, membership_id, body["reason"])
        return joining.mine(session, me)

    return idempotent.write(act, lambda rows: idempotent.stored(200, {"items": [_own(row) for row in rows]}))


# — the community's workers —


@blp.get("/memberships")
@blp.arguments(MembershipQuery(), location="query")
@blp.response(200, MembershipPage())
@blp.needs(RESIDENT_READ)
@blp.problems(Forbidden, UnitUnknown)
def list_memberships(query: dict[str, Any]) -> Response:
    """我的社区的成员和申请，新的在前；可按状态、单位、手机号（或末四位）找。个人信息是遮盖的。"""
    me = actor()
    asked = {name: query[name] for name in ("state", "unit", "phone")}
    with reading() as session:
        load = partial(reviewing.page, session, me, asked)
        return sent(
            pages.of_rows(me.id, f"memberships:{sorted(asked.items(), key=str)}", query, load, _shown)
        )


@blp.post("/memberships")
@blp.moves
@blp.arguments(EnterIn(), example=PERSON)
@blp.response(201, MembershipOut())
@blp.needs(RESIDENT_REVIEW)
@blp.problems(*ON_A_PERSON, Forbidden)
def enter(body: dict[str, Any]) -> Response:
    """代居民登记：当面核对过的，直接是成员，不用再审核，记下是谁登记的。"""
    me = actor()
    hashed = persons.password_hash(body["password"]) if body["password"] is not None else None
    return idempotent.write(lambda session: reviewing.enter(session, me, body, hashed), partial(_answer, 201))


@blp.get("/memberships/<id:membership_id>")
@blp.response(200, MembershipOut())
@blp.needs(RESIDENT_READ)
@blp.problems(Forbidden, NotFound)
def get_membership(membership_id: str) -> Response:
    """一位成员或一份申请。"""
    me = actor()
    with reading() as session:
        return sent(_shown(reviewing.one(session, me, membership_id)))


@blp.post("/memberships/<id:membership_id>/approve")
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, MembershipOut())
@blp.needs(RESIDENT_REVIEW)
@blp.problems(Forbidden, NotFound, MembershipDecided)
def approve(body: dict[str, Any], membership_id: str) -> Response:
    """审核通过：从现在起是成员；平移来的，同时从原来的社区迁出。"""
    me = actor()
    return idempotent.write(
        lambda session: reviewing.decide(session, me, membership_id, True), partial(_answer, 200)
    )


@blp.post("/memberships/<id:membership_id>/refuse")
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "地址不在本社区"})
@blp.response(200, MembershipOut())
@blp.needs(RESIDENT_REVIEW)
@blp.problems(Forbidden, NotFound, MembershipDecided, ReasonRequired)
def refuse(body: dict[str, Any], membership_id: str) -> Response:
    """审核不通过，要写原因，申请人看得到。"""
    me = actor()
    return idempotent.write(
        lambda session: reviewing.decide(session, me, membership_id, False, body["reason"]),
        partial(_answer, 200),
    )


@blp.post("/memberships/review")
@blp.moves
@blp.arguments(ReviewIn(), example={"decision": "approve", "items": ["0190…", "0191…"]})
@blp.response(200, ReviewOut())
@blp.needs(RESIDENT_REVIEW)
@blp.problems(Forbidden)
def review_many(body: dict[str, Any]) -> Response:
    """批量审核：最多 500 份申请同一个结论，逐份答复，一份不成不影响别的。"""
    me = actor()
    once = idempotent.once(lambda told: told)
    results = reviewing.each(me, body, once)
    return idempotent.write(
        lambda session: results, lambda told: idempotent.stored(200, reviewing.tally(told))
    )


@blp.post("/memberships/<id:membership_id>/end")
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "已搬离本社区"})
@blp.response(200, MembershipOut())
@blp.needs(RESIDENT_REVIEW)
@blp.problems(Forbidden, NotFound, MembershipOver, ReasonRequired)
def end(body: dict[str, Any], membership_id: str) -> Response:
    """移出社区，要写原因；以前是成员的时候照旧算数。"""
    me = actor()
    return idempotent.write(
        lambda session: reviewing.end(session, me, membership_id, body["reason"]), partial(_answer, 200)
    )


@blp.post("/memberships/<id:membership_id>/reveal")
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "与证件核对"})
@blp.response(200, WholePerson())
@blp.needs(RESIDENT_REVIEW)
@blp.problems(Forbidden, NotFound, ReasonRequired, RevealLimit)
def reveal(body: dict[str, Any], membership_id: str) -> Response:
    """查看完整的姓名、电话、证件号、住址：要写原因，记入审计，每人每小时最多 30 次。"""
    me = actor()
    return idempotent.write(
        lambda session: reviewing.reveal(session, me, membership_id, body["reason"]),
        lambda whole: idempotent.stored(200, whole),
    )


def _answer(status: int, row: Mapping[str, Any]) -> Stored:
    where = {"Location": f"/api/v1/memberships/{row['id']}"} if status == 201 else {}
    return idempotent.stored(status, _shown(row), where)


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "unit": row["unit"],
        "unitName": row["unit_name"],
        "state": row["state"],
        "household": row["household"],
        "tenure": row["tenure"],
        "moves": row["moves_id"],
        "appliedAt": out(row["applied_at"]),
        "decidedAt": out(row["decided_at"]),
        "reason": row["reason"],
        "validFrom": out(row["valid_from"]),
        "validTo": out(row["valid_to"]),
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    covered = reviewing.covered(row)
    return {
        **_own(row),
        "person": row["person_id"],
        "login": row["login"],
        "name": row["name"],
        "realName": covered["name"],
        "phone": covered["phone"],
        "idNumber": covered["id_number"],
        "enteredByWorker": row["applied_by"] != row["person_id"],
    }
