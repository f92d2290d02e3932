"""Policies over HTTP: which there were, what each changed, and what another one would have done."""

from typing import Any

from flask import Response

from app.clocks.replay import LATE, MET, NONE, RUNNING
from app.core.errors import NotFound
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import PROCESS_READ, REPORT_READ
from app.policies import service
from app.policies.backtest import BacktestRefused, Counted, Found
from app.policies.schemas import BacktestIn, BacktestOut, PoliciesOut
from app.policies.trying import ProcessDiffers
from app.processes.api import received
from app.processes.publish import ProcessRefused

blp = Blueprint("policies", __name__, url_prefix="/api/v1/processes", description="时限规则")

EXAMPLE = {
    "key": "work_order_12345",
    "files": {"sla.yaml": "clocks: …"},
    "from": "2026-01-01",
    "to": "2026-03-31",
}


@blp.get("/<id:key>/policies")
@blp.response(200, PoliciesOut())
@blp.needs(PROCESS_READ)
@blp.problems(NotFound)
def every(key: str) -> Response:
    """一个流程的时限规则有过哪几版，各比前一版改了什么；新的在前。"""
    return sent({"items": [_told(each) for each in service.every(actor(), key)]})


@blp.post("/<id:key>/policies/backtest")
@blp.arguments(BacktestIn(), example=EXAMPLE)
@blp.response(200, BacktestOut())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, BacktestRefused, ProcessDiffers, ProcessRefused)
def backtest(body: dict[str, Any], key: str) -> Response:
    """把改过的时限规则放到以前的办件上试算：哪些会按时、哪些会超期，与各件自己的规则相比变了哪些。什么都不保存。"""
    files, before = received(body)
    return sent(shown(service.backtest(actor(), key, files, before, body["from_"], body["to"])))


def shown(tested: service.Tested) -> dict[str, Any]:
    """A backtest as it leaves the house."""
    found = tested.found
    return {
        "at": out(found.at),
        "version": tested.version,
        "changes": tested.changes,
        "cases": found.cases,
        "excluded": found.excluded,
        "changed": [_case(case) for case in found.changed],
        "clocks": [_clock(found, name) for name in found.names],
        "unreplayed": [{**_case(each.case), "why": each.why} for each in found.unreplayed],
    }


def _clock(found: Found, name: str) -> dict[str, Any]:
    became = found.of(name)
    return {
        "clock": name,
        "label": found.labels[name],
        "cases": len({each.case["id"] for several in became.values() for each in several}),
        "was": _side(found, name, new=False),
        "now": _side(found, name, new=True),
        "became": [
            {"was": was, "now": now, "count": len(several), "cases": _once(several)}
            for (was, now), several in became.items()
        ],
    }


def _side(found: Found, name: str, *, new: bool) -> dict[str, Any]:
    ended = found.numbers(name, new=new)
    met, of = found.rate(name, new=new)
    percent = round(100 * met / of, 2) if of else None
    rate = {"numerator": met, "denominator": of, "percent": percent}
    return {**{how: ended[how] for how in (MET, LATE, RUNNING, NONE)}, "rate": rate}


def _once(counted: list[Counted]) -> list[dict[str, str]]:
    return list({each.case["id"]: _case(each.case) for each in counted}.values())


def _case(case: Any) -> dict[str, str]:
    return {"id": case["id"], "number": case["number"]}


def _told(each: service.Told) -> dict[str, object]:
    row = each.row
    return {
        "number": row["number"],
        "digest": row["digest"],
        "version": {"id": row["version_id"], "number": row["version_number"]},
        "validFrom": out(row["valid_from"]),
        "publishedBy": row["published_by"],
        "current": each.current,
        "changes": each.changes,
    }
