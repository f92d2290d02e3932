"""巡检 over HTTP: what was found in my scope, which rules there are, and their import."""

from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields

from app.core.db import reading
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import Flag, Identifier, Moment, OneOf, Schema, Shape, Text, out
from app.identity.door import actor
from app.identity.permissions import INSPECTION_IMPORT, INSPECTION_READ
from app.identity.scopes import require
from app.inspection import rules, service
from app.inspection.detect import KINDS
from app.inspection.rule_file import InspectionRefused, Rule
from app.inspection.rules import Imported

blp = Blueprint("inspection", __name__, url_prefix="/api/v1/inspection", description="巡检")


class InspectionFindingQuery(pages.PageQuery):
    """What to list."""

    rule = Identifier(load_default=None)
    detect = OneOf(tuple(KINDS), load_default=None)
    case = Identifier(load_default=None)
    unit = Identifier(load_default=None, metadata={"description": "办理单位的编码"})
    state = OneOf(("open", "closed"), load_default="open")


class InspectionFindingOut(Schema):
    """One case to which a rule applies, or did."""

    id = fields.String(required=True)
    rule = fields.String(required=True)
    rule_name = fields.String(required=True)
    detect = fields.String(required=True)
    case = fields.String(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    process = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True, metadata={"description": "该由哪个单位改正"})
    unit_name = fields.String(required=True, allow_none=True)
    says = fields.String(required=True, metadata={"description": "为什么列出，带数字"})
    state = fields.String(required=True, metadata={"enum": ["open", "closed"]})
    found_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)


class InspectionFindingPage(Schema):
    """A page of findings."""

    items = fields.List(Shape(InspectionFindingOut()), required=True)
    page = Shape(pages.PageOut(), required=True)


class InspectionRuleOut(Schema):
    """One rule, and how many cases it lists."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    detect = fields.String(required=True)
    detect_name = fields.String(required=True)
    process = fields.String(required=True)
    count = fields.Integer(required=True)
    says = fields.String(required=True)


class InspectionRulesOut(Schema):
    """The rules in force."""

    version = fields.Integer(
        required=True, metadata={"description": "导入的第几版；0 是 bpmn/_inspection.yaml"}
    )
    yaml = fields.String(required=True)
    items = fields.List(Shape(InspectionRuleOut()), required=True)


class InspectionRulesIn(Schema):
    """The text of a file as it is kept in bpmn/_inspection.yaml."""

    yaml = Text(200_000, lines=True, least=1, required=True)
    dry_run = Flag(load_default=False, metadata={"description": "只说会列出几件，不保存"})


class InspectionImportOut(Schema):
    """What was imported, or would be, and how many cases each rule lists now."""

    version = fields.Integer(required=True)
    dry_run = fields.Boolean(required=True)
    items = fields.List(Shape(InspectionRuleOut()), required=True)


@blp.get("/findings")
@blp.arguments(InspectionFindingQuery(), location="query")
@blp.response(200, InspectionFindingPage())
@blp.needs(INSPECTION_READ)
def list_findings(query: dict[str, Any]) -> Response:
    """巡检发现的异常，新的在前；改正以后自己离开，在 state=closed 里看得到。"""
    me = actor()
    asked = {name: query[name] for name in ("rule", "detect", "case", "unit", "state")}
    view = f"findings:{sorted((name, str(value)) for name, value in asked.items())}"
    return sent(pages.of_rows(me.id, view, query, partial(service.page, me, asked), _finding))


@blp.get("/rules")
@blp.response(200, InspectionRulesOut())
@blp.needs(INSPECTION_READ)
def list_rules() -> Response:
    """巡检规则，以及我的范围内每条列出几件。"""
    me = actor()
    require(me, INSPECTION_READ)
    with reading() as session:
        now = rules.in_force(session)
        found = service.counts(session, me)
    items = [_rule(rule, found.get(rule.key, 0), "现在列出 {} 件") for rule in now.rules]
    return sent({"version": now.version, "yaml": now.yaml, "items": items})


@blp.post("/rules/import")
@blp.moves
@blp.arguments(InspectionRulesIn(), example={"yaml": "rules: []\n", "dryRun": True})
@blp.response(200, InspectionImportOut())
@blp.needs(INSPECTION_IMPORT)
@blp.problems(InspectionRefused)
def import_(body: dict[str, Any]) -> Response:
    """导入巡检规则：检查写法，说出每条现在会列出几件；先用 dryRun 看看。"""
    me = actor()
    require(me, INSPECTION_IMPORT)
    return idempotent.write(
        lambda session: rules.import_rules(session, me, body["yaml"], dry_run=body["dry_run"]),
        lambda done: idempotent.stored(200, _imported(done, body["dry_run"])),
    )


def _imported(done: Imported, dry_run: bool) -> dict[str, Any]:
    items = [_rule(rule, done.counts[rule.key], "按此规则，现在会列出 {} 件") for rule in done.rules]
    return {"version": done.version, "dryRun": dry_run, "items": items}


def _rule(rule: Rule, count: int, words: str) -> dict[str, Any]:
    return {
        "key": rule.key,
        "name": rule.name,
        "detect": rule.detect,
        "detectName": KINDS[rule.detect].name,
        "process": rule.process,
        "count": count,
        "says": words.format(count),
    }


def _finding(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "rule": row["rule"],
        "ruleName": row["rule_name"],
        "detect": row["detect"],
        "case": row["case_id"],
        "number": row["number"],
        "title": row["title"],
        "process": row["process_key"],
        "status": row["status"],
        "unit": row["unit"],
        "unitName": row["unit_name"],
        "says": row["says"],
        "state": row["state"],
        "foundAt": out(row["found_at"]),
        "closedAt": out(row["closed_at"]),
    }
