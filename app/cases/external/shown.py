"""External tasks as people of the house see them, and as their workers do."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.cases.external import values
from app.cases.external.follow import URGENT
from app.cases.external.models import external_tasks
from app.cases.models import cases
from app.cases.motion import Row
from app.core.db import reading
from app.core.http.fields import out
from app.identity.actor import SYSTEM, Actor
from app.identity.models import people
from app.identity.permissions import EXTERNAL_READ
from app.identity.scopes import case_scope, hidden, require

_closers = people.alias("closers")
ROWS = (
    select(
        external_tasks,
        cases.c.number,
        cases.c.process_key,
        people.c.name.label("account_name"),
        _closers.c.name.label("closer_name"),
    )
    .join(cases, cases.c.id == external_tasks.c.case_id)
    .outerjoin(people, people.c.id == external_tasks.c.account_id)
    .outerjoin(_closers, _closers.c.id == external_tasks.c.closed_by)
)


def page(actor: Actor, asked: Mapping[str, Any], limit: int, after: str | None) -> list[Row]:
    """External tasks of the actor's cases, newest first, at most `limit + 1`; `asked`: state, topic, case."""
    require(actor, EXTERNAL_READ)
    seen = case_scope(actor, EXTERNAL_READ, external_tasks.c.org_path, external_tasks.c.case_id)
    statement = ROWS.where(seen).order_by(external_tasks.c.id.desc()).limit(limit + 1)
    columns = {
        "state": external_tasks.c.state,
        "topic": external_tasks.c.topic,
        "case": external_tasks.c.case_id,
    }
    for name, column in columns.items():
        if asked.get(name) is not None:
            statement = statement.where(column == asked[name])
    if after is not None:
        statement = statement.where(external_tasks.c.id < after)
    with reading() as session:
        return [dict(row) for row in session.execute(statement).mappings()]


def one(actor: Actor, work_id: str) -> Row:
    """One of them. Raises NotFound."""
    require(actor, EXTERNAL_READ, subject=work_id)
    seen = case_scope(actor, EXTERNAL_READ, external_tasks.c.org_path, external_tasks.c.case_id)
    with reading() as session:
        row = session.execute(ROWS.where(external_tasks.c.id == work_id, seen)).mappings().one_or_none()
    if row is None:
        raise hidden(actor, work_id)
    return dict(row)


def listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A task as people see it: never what is in its variables."""
    return {
        **answered(row),
        "activityName": row["name"],
        "account": row["account_name"],
        "locks": row["locks"],
        "errorCode": row["error_code"],
        "errorMessage": row["error_message"],
        "errorDetails": row["error_details"],
        "openedAt": out(row["opened_at"]),
        "nextAt": out(row["next_at"]),
        "closedByName": SYSTEM.name if row["closed_by"] == SYSTEM.id else row["closer_name"],
    }


def answered(row: Mapping[str, Any]) -> dict[str, Any]:
    """A task as it stands, for the worker that did something to it."""
    return {
        "id": row["id"],
        "topicName": row["topic"],
        "state": row["state"],
        "workerId": row["worker"],
        "lockExpirationTime": out(row["lock_until"]),
        "retries": row["retries"],
        "priority": URGENT - row["rank"],
        "caseId": row["case_id"],
        "businessKey": row["number"],
        "processDefinitionKey": row["process_key"],
        "activityId": row["element"],
        "closedAt": out(row["closed_at"]),
    }


def fetched(row: Mapping[str, Any]) -> dict[str, Any]:
    """A task for the worker that fetched it: what it needs to do it."""
    return {
        **answered(row),
        "errorMessage": row["error_message"],
        "errorDetails": row["error_details"],
        "createTime": out(row["opened_at"]),
        "variables": values.typed(row["variables"], row["only"]),
    }
