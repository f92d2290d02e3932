"""`POST /cases/search` and `/tasks/search`: typed conditions over what the caller may see."""

from functools import partial
from typing import Any

import orjson
from flask import Response

from app.cases import viewing
from app.cases.schemas import CasePage, TaskPage
from app.cases.search import marks, query, saved
from app.cases.search.conditions import FilterRefused
from app.cases.search.query import CASES, TASKS, Asked, Noun, Sort
from app.cases.search.schemas import SearchIn
from app.core.errors import NotFound
from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.crypto.sm3 import sm3_hex
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.permissions import CASE_READ, TASK_READ

blp = Blueprint("search", __name__, url_prefix="/api/v1", description="查找办件和任务")

CASE_EXAMPLE = {
    "filter": {
        "words": "路灯",
        "process": "work_order_12345",
        "state": "active",
        "place": "d1-s1",
        "receivedAt": {"$gte": "2026-03-01", "$lt": "2026-04-01"},
        "facts": {"level": {"$in": ["突发", "紧急"]}},
    },
    "sort": [{"field": "receivedAt", "order": "desc"}],
    "page": {"limit": 50},
}
TASK_EXAMPLE = {"filter": {"state": "open", "overdue": True, "case": {"place": "d1-s1"}}}


@blp.post("/cases/search")
@blp.arguments(SearchIn(), example=CASE_EXAMPLE)
@blp.response(200, CasePage())
@blp.needs(CASE_READ)
@blp.problems(FilterRefused, NotFound)
def search_cases(body: dict[str, Any]) -> Response:
    """在我看得到的办件里查找；总数 999 以内准确。"""
    return _searched(CASES, actor(), body)


@blp.post("/tasks/search")
@blp.arguments(SearchIn(), example=TASK_EXAMPLE)
@blp.response(200, TaskPage())
@blp.needs(TASK_READ)
@blp.problems(FilterRefused, NotFound)
def search_tasks(body: dict[str, Any]) -> Response:
    """在我看得到的任务里查找；case 里写办件的条件。"""
    return _searched(TASKS, actor(), body)


def _searched(noun: Noun, me: Actor, body: dict[str, Any]) -> Response:
    asked = Asked([("/filter", body["filter"])], query.sort_of(noun, body["sort"]))
    if body["filter_id"] is not None:
        asked = saved.together(
            saved.asked_of(me, noun, body["filter_id"]), body["filter"], body["sort"], noun
        )
    return found_page(noun, me, asked, body["page"]["limit"], body["page"]["after"])


def found_page(noun: Noun, me: Actor, asked: Asked, limit: int, after: str | None) -> Response:
    """One page of a question, with its total; the cursor belongs to exactly this question."""
    view = f"search:{noun.table.name}:{_digest(asked)}"
    keys = pages.after(me.id, view, after, query.width(noun, asked.sort))
    found = query.search(noun, me, asked, limit, keys)
    cases = marks.listed(found.rows[:limit]) if noun is CASES else {}
    page = pages.page(
        found.rows,
        limit,
        principal=me.id,
        view=view,
        keys=lambda row: query.keys_of(noun, asked.sort, row),
        item=(lambda row: cases[row["id"]]) if noun is CASES else partial(viewing.listed_task, me),
        total=found.total,
        total_exact=found.exact,
    )
    return sent(page)


def _digest(asked: Asked) -> str:
    sort: Sort = asked.sort
    said = [[given for _, given in asked.filters], sort.field, sort.descending]
    return sm3_hex(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))
