"""Sessions and the organisation over HTTP."""

from functools import partial
from typing import Any

from flask import Response, request

from app.core.db import reading
from app.core.errors import NotFound
from app.core.http import gate, pages
from app.core.http.api import Blueprint, nothing
from app.identity import login, people
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.errors import PermissionMissing, SignInFailed, SignInLocked
from app.identity.people import UnitUnknown
from app.identity.permissions import ORG_READ
from app.identity.schemas import (
    ActorOut,
    PersonPage,
    PersonQuery,
    RoleList,
    SignedInOut,
    SignIn,
    UnitOut,
    UnitPage,
    UnitQuery,
)

sessions = Blueprint("sessions", __name__, url_prefix="/api/v1/sessions", description="登录与退出")
organisation = Blueprint("organisation", __name__, url_prefix="/api/v1", description="机构、人员、角色")


@sessions.post("")
@sessions.public
@sessions.arguments(SignIn(), example={"login": "paiqian1", "password": "…"})
@sessions.response(201, SignedInOut())
@sessions.problems(SignInFailed, SignInLocked)
def sign_in(body: dict[str, str]) -> dict[str, Any]:
    """登录，取得访问令牌。

    令牌只显示这一次；之后的请求用 `Authorization: Bearer <token>`。不需要 Idempotency-Key：再登录一次即可。
    """
    signed_in = login.sign_in(body["login"], body["password"], gate.client_address())
    return {"token": signed_in.token, "expires_at": signed_in.expires_at, "person": _shown(signed_in.actor)}


@sessions.get("/current")
@sessions.everybody
@sessions.response(200, ActorOut())
def current() -> dict[str, Any]:
    """我是谁，能做什么。"""
    return _shown(actor())


@sessions.delete("/current")
@sessions.everybody
@sessions.response(204)
def sign_out() -> Response:
    """退出登录：本令牌立即失效。"""
    actor()
    login.sign_out(request.headers["Authorization"].partition(" ")[2].strip())
    return nothing()


@organisation.get("/org-units")
@organisation.everybody
@organisation.arguments(UnitQuery(), location="query")
@organisation.response(200, UnitPage())
@organisation.problems(UnitUnknown)
def units(query: dict[str, Any]) -> dict[str, Any]:
    """单位列表，按层级路径排序；parent 取下一级，under 取一个单位及其全部下级，q 按名称或代码查找。"""
    asked, me = _asked(query), actor().id
    view = f"org-units:{sorted(asked.items())}"
    with reading() as session:
        return pages.of_rows(me, view, query, partial(people.units_page, session, asked), key="path")


@organisation.get("/org-units/<id:code>")
@organisation.everybody
@organisation.response(200, UnitOut())
@organisation.problems(NotFound)
def unit(code: str) -> dict[str, Any]:
    """一个单位，停用的也查得到。"""
    actor()
    with reading() as session:
        return people.unit(session, code)


@organisation.get("/people")
@organisation.arguments(PersonQuery(), location="query")
@organisation.response(200, PersonPage())
@organisation.needs(ORG_READ)
@organisation.problems(PermissionMissing, UnitUnknown)
def people_of_my_units(query: dict[str, Any]) -> dict[str, Any]:
    """我的单位及下级单位的在任人员，按账号排序；可按单位、角色、姓名筛选。"""
    asked, me = _asked(query), actor()
    view = f"people:{sorted(asked.items())}"
    with reading() as session:
        return pages.of_rows(me.id, view, query, partial(people.people_page, session, me, asked), key="login")


@organisation.get("/roles")
@organisation.response(200, RoleList())
def roles() -> dict[str, Any]:
    """角色及其权限。"""
    actor()
    with reading() as session:
        return {"items": people.all_roles(session)}


def _asked(query: dict[str, Any]) -> dict[str, Any]:
    """What a list is about, without its page."""
    return {name: value for name, value in query.items() if name not in ("limit", "after")}


def _shown(who: Actor) -> dict[str, Any]:
    return {
        "id": who.id,
        "login": who.login,
        "name": who.name,
        "kind": who.kind,
        "appointments": [
            {"role": a.role, "unit": a.unit_code, "unit_path": a.unit_path} for a in who.appointments
        ],
        "permissions": {name: list(paths) for name, paths in sorted(who.permissions.items())},
    }
