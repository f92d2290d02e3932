"""Process definitions, checks and deployments over HTTP, and the JSON Schemas of the files."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Flask, Response
from sqlalchemy import func, select

from app.bundles import store
from app.bundles.files import BundleFiles, sort_out
from app.bundles.form_schema import json_schema
from app.bundles.keys import finding
from app.bundles.store import DeployConflict, Published, VersionMissing
from app.cases.models import GOING, cases
from app.core.clock import BEIJING
from app.core.db import reading
from app.core.errors import NotFound
from app.core.http import gate, idempotent
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.engine.check.finding import Finding
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.permissions import CASE_CREATE, PROCESS_CHECK, PROCESS_PUBLISH, PROCESS_READ
from app.identity.scopes import missing, require
from app.processes import publish as publishing
from app.processes.callees import Callee
from app.processes.check import check_files
from app.processes.publish import (
    Deployed,
    ProcessRefused,
    TemplateNotForUse,
    earlier,
    known_org,
    known_roles,
    not_loaded,
)
from app.processes.rehearsal import rehearse
from app.processes.schema import schemas
from app.processes.schemas import BundleIn, CheckedOut, DefinitionOut, DeployedOut, DeploymentIn, VersionList

blp = Blueprint("processes", __name__, url_prefix="/api/v1", description="流程：定义、检查、发布")

_RUNNING = select(func.count()).select_from(cases)
EXAMPLE = {
    "key": "work_order_12345",
    "files": {"process.yaml": "key: work_order_12345\n…", "process.bpmn": "<?xml …", "sla.yaml": "clocks: …"},
}


@blp.post("/deployments/validate")
@blp.arguments(BundleIn(), example=EXAMPLE)
@blp.response(200, CheckedOut())
@blp.needs(PROCESS_CHECK)
def validate(body: dict[str, Any]) -> Response:
    """检查一个流程文件夹：文件、流程图、表单、时限，把场景在另外的数据库里走一遍，说明对在办件的影响。什么都不保存。"""
    require(actor(), PROCESS_CHECK)
    files, before = received(body)
    callees = publishing.others()
    checked = check_files(files, known_org(), before, earlier(files.key), known_roles(), callees)
    files = checked.files
    with reading() as session:
        head = store.head(session, files.key)
        running = session.scalar(_RUNNING.where(cases.c.process_key == files.key, cases.c.state.in_(GOING)))
    return sent(
        {
            "good": checked.good,
            "version": files.version,
            "findings": shown((*checked.findings, *(not_loaded(checked.bundle) if checked.bundle else ()))),
            "calls": calls(checked.pins),
            "rehearsal": rehearsed(files) if checked.good else None,
            "impact": {
                "replaces": head.version_id if head else None,
                "runningCases": running,
                "unchanged": head is not None and head.version_id == files.version,
            },
        }
    )


@blp.post("/deployments")
@blp.moves
@blp.arguments(DeploymentIn(), example=EXAMPLE)
@blp.response(201, DeployedOut())
@blp.needs(PROCESS_PUBLISH)
@blp.problems(ProcessRefused, TemplateNotForUse, DeployConflict)
def deploy(body: dict[str, Any]) -> Response:
    """发布一个流程版本：此后登记的办件用它，在办件仍按原来的版本。内容没有变化时不产生新版本。"""

    def render(deployed: Deployed) -> Stored:
        answer = {
            "version": version(deployed.version),
            "changed": deployed.changed,
            "calls": calls(deployed.pins),
            "callersBehind": [version(each) for each in deployed.behind],
            "warnings": shown(deployed.warnings),
        }
        where = {"Location": f"/api/v1/process-definitions/{deployed.version.key}"}
        return idempotent.stored(201, answer, where)

    replaces = body.pop("replaces")
    files, before = received(body)
    request = idempotent.once(render)
    return idempotent.send(publishing.publish(actor(), files, replaces, request, before))


@blp.get("/process-definitions")
@blp.response(200, VersionList())
@blp.needs(PROCESS_READ)
def definitions() -> Response:
    """现在可以登记的流程，每个流程一行。"""
    _may_read(actor())
    with reading() as session:
        rows = [row for row in store.versions(session) if row.current]
    return sent({"items": [version(row) for row in rows]})


@blp.get("/process-definitions/<id:key>")
@blp.response(200, DefinitionOut())
@blp.needs(PROCESS_READ)
@blp.problems(NotFound)
def definition(key: str) -> Response:
    """一个流程的当前版本：登记表、泳道、环节。"""
    _may_read(actor())
    with reading() as session:
        row = next((row for row in store.versions(session, key) if row.current), None)
        if row is None:
            raise NotFound
        bundle = store.version(session, row.id)
    engine = bundle.engine
    form = bundle.forms.get(engine.start_form or "")
    steps = [
        {"id": s.id, "name": s.name, "lane": s.lane, "form": s.form, "outcomes": [o.name for o in s.outcomes]}
        for s in bundle.drawn.steps.values()
    ]
    return sent(
        {
            "version": version(row),
            "startForm": json_schema(form) if form is not None else None,
            "lanes": [{"name": name, "rule": rule.text} for name, rule in bundle.process.lanes.items()],
            "steps": steps,
        }
    )


@blp.get("/process-definitions/<id:key>/versions")
@blp.response(200, VersionList())
@blp.needs(PROCESS_READ)
@blp.problems(NotFound)
def versions(key: str) -> Response:
    """一个流程发布过的全部版本，新的在前。"""
    require(actor(), PROCESS_READ)
    with reading() as session:
        rows = store.versions(session, key)
    if not rows:
        raise NotFound
    return sent({"items": [version(row) for row in rows]})


@blp.get("/process-definitions/<id:version_id>/xml")
@blp.response(200, description="BPMN 2.0 流程图", content_type="application/xml")
@blp.needs(PROCESS_READ)
@blp.problems(VersionMissing)
def diagram(version_id: str) -> Response:
    """一个版本的流程图，与发布时的字节相同。"""
    require(actor(), PROCESS_READ)
    return Response(store.get(version_id).source.diagram, mimetype="application/xml")


def install(app: Flask) -> None:
    """Adds /schemas/<kind>.json; editors read them without signing in."""

    @gate.public
    def file_schema(kind: str) -> Response:
        """The JSON Schema of one kind of file."""
        if kind not in schemas():
            raise NotFound(f"没有“{kind[:40]}”的格式说明；有 {'、'.join(schemas())}。")
        return Response(orjson.dumps(schemas()[kind]), mimetype="application/schema+json")

    app.add_url_rule("/schemas/<kind>.json", view_func=file_schema)


def received(body: dict[str, Any]) -> tuple[BundleFiles, list[Finding]]:
    """The files of a request, and what is wrong with their names and kinds."""
    texts = {path: text for path, text in body["files"].items() if isinstance(text, str)}
    strange = [
        finding("error", "value-invalid", path, None, "文件内容应为文字。", "The content must be text.")
        for path, text in body["files"].items()
        if not isinstance(text, str)
    ]
    files, findings = sort_out(body["key"], {path: text.encode() for path, text in texts.items()})
    return files, findings + strange


def rehearsed(files: BundleFiles) -> dict[str, Any]:
    """The scenarios of files in order, walked beside the house."""
    told = rehearse(files)
    return {
        "passed": told.why_not is None and all(each["failed"] is None for each in told.scenarios),
        "whyNot": told.why_not,
        "scenarios": list(told.scenarios),
        "coveredPercent": told.percent,
        "missed": list(told.missed),
    }


def shown(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as they leave the house."""
    names = ("level", "rule", "file", "line", "element", "zh", "en")
    return [{name: getattr(each, name) for name in names} for each in findings]


def calls(pins: Mapping[str, Callee]) -> list[dict[str, Any]]:
    """What a version calls, as it is pinned."""
    return [
        {"key": key, "name": each.name, "number": each.number, "version": each.bundle.version}
        for key, each in pins.items()
        if each.bundle is not None
    ]


def version(row: Published) -> dict[str, Any]:
    """A version as it leaves the house."""
    return {
        "id": row.id,
        "key": row.key,
        "number": row.number,
        "name": row.name,
        "publishedAt": row.published_at.astimezone(BEIJING).isoformat(timespec="milliseconds"),
        "publishedBy": row.published_by,
        "current": row.current,
    }


def _may_read(who: Actor) -> None:
    """Whoever files cases must see what a process asks."""
    if not (who.holds(PROCESS_READ) or who.holds(CASE_CREATE)):
        raise missing(who, PROCESS_READ)
