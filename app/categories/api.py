"""Categories over HTTP: everybody signed in may look, residents too; a named permission imports."""

from typing import Any

from flask import Response

from app.categories import catalogue
from app.categories.category_file import CategoriesRefused, read_categories
from app.categories.importing import CategoriesScheduled, Report, import_file
from app.categories.kept import table_of
from app.categories.schemas import (
    CategoryPage,
    CategoryQuery,
    CategoryTables,
    ImportIn,
    ImportOut,
    SuggestedOut,
    SuggestIn,
)
from app.categories.suggesting import suggest
from app.core import clock
from app.core.db import reading
from app.core.errors import FieldError, NotFound, Unprocessable
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import CATEGORY_IMPORT
from app.identity.scopes import require

blp = Blueprint("categories", __name__, url_prefix="/api/v1/categories", description="诉求分类")

KINDS = ("added", "ended", "renamed", "moved", "reworded")


class TableMismatch(Unprocessable):
    """地址里的分类表与文件里的不一致。"""


@blp.get("")
@blp.everybody
@blp.response(200, CategoryTables())
def tables() -> Response:
    """有哪些分类表。"""
    actor()
    with reading() as session:
        rows = catalogue.tables(session)
    items = [{"key": r["key"], "name": r["name"], "changedAt": out(r["changed_at"])} for r in rows]
    return sent({"items": items})


@blp.get("/<id:table>")
@blp.everybody
@blp.arguments(CategoryQuery(), location="query")
@blp.response(200, CategoryPage())
@blp.problems(NotFound)
def categories(query: dict[str, Any], table: str) -> Response:
    """一张分类表在某一时刻的分类，按编码排列。"""
    me = actor()
    at = query["at"]
    asked = [query["parent"], query["level"], query["q"], at.isoformat() if at else None]
    view = f"categories:{table}:{asked}"
    with reading() as session:
        if not catalogue.known(session, table):
            raise NotFound

        def load(limit: int, after: str | None) -> list[Any]:
            return catalogue.page(
                session,
                table,
                at or clock.now(session),
                parent=query["parent"],
                level=query["level"],
                words=query["q"],
                limit=limit,
                after=after,
            )

        return sent(pages.of_rows(me.id, view, query, load, _shown, key="code"))


@blp.post("/<id:table>/suggest")
@blp.everybody
@blp.arguments(SuggestIn(), example={"text": "垃圾桶脏污满冒，周边不洁"})
@blp.response(200, SuggestedOut())
@blp.problems(NotFound)
def suggestion(body: dict[str, Any], table: str) -> Response:
    """推荐分类：登记之前按文字里的常用词推荐一类，选不选由人；什么也不留下。"""
    actor()
    with reading() as session:
        if not catalogue.known(session, table):
            raise NotFound
        now, kept = clock.now(session), table_of(session, table)
    found = suggest(kept, body["text"], now)
    chosen = kept.at(found.code, now) if found is not None else None
    if found is None or chosen is None:
        return sent({"suggestion": None})
    about = {"code": found.code, "name": chosen.full_name, "words": list(found.words)}
    return sent({"suggestion": about})


@blp.post("/<id:table>/import")
@blp.moves
@blp.arguments(ImportIn(), example={"yaml": "table: city_12345\nname: 12345诉求分类\n…", "dryRun": True})
@blp.response(200, ImportOut())
@blp.needs(CATEGORY_IMPORT)
@blp.problems(CategoriesRefused, CategoriesScheduled, TableMismatch)
def import_(body: dict[str, Any], table: str) -> Response:
    """导入分类表：新增的开始，没有了的停用，改名、移动的从生效日期起换新；从不删除。先用 dryRun 看看。"""
    require(actor(), CATEGORY_IMPORT)
    file = read_categories(f"{table}.yaml", body["yaml"].encode())
    if file.table != table:
        message = f"文件里写的是 table: {file.table}，地址里是 {table}。"
        raise TableMismatch(message, errors=[FieldError("/yaml", "table-mismatch", message)])
    return idempotent.write(
        lambda session: import_file(session, actor(), file, dry_run=body["dry_run"]),
        lambda report: idempotent.stored(200, _told(report, body["dry_run"])),
    )


def _told(report: Report, dry_run: bool) -> dict[str, Any]:
    changed = {
        kind: [{"code": c.code, "name": c.name, "was": c.was} for c in getattr(report, kind)]
        for kind in KINDS
    }
    return {
        "table": report.table,
        "name": report.name,
        "since": out(report.since),
        "dryRun": dry_run,
        **changed,
        "unchanged": report.unchanged,
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name": row["name"],
        "parent": row["parent"],
        "level": row["depth"],
        "path": row["path"],
        "leaf": bool(row["leaf"]),
        "keywords": row["keywords"],
        "validFrom": out(row["valid_from"]),
        "validTo": out(row["valid_to"]),
    }
