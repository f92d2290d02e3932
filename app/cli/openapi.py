"""`huying openapi`: the document of the API, as docs/openapi.json keeps it and /openapi.json serves it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import click
import orjson

from app import create_app
from app.core.http.api import openapi_of

METHODS = ("get", "post", "put", "patch", "delete")
HEAD = """# Every address of the API

Made by `huying openapi --table > docs/api-operations.md`; a test holds it to the code. What all of them have
in common, and every problem with its title, is in [api.md](api.md).

*needs*: the permission that is asked for (403 `forbidden-action` without it), `–` for everybody signed in,
`open` for everybody. *sends*: K the header `Idempotency-Key`, M `If-Match`. *problems*: those of its own,
beside what the gate answers to every request.
"""


@click.command()
@click.option("--table", is_flag=True, help="改为输出地址一览（Markdown）。")
def openapi(table: bool) -> None:
    """输出接口文档（OpenAPI 3.1）；`huying openapi > docs/openapi.json` 更新留存的一份。"""
    document = openapi_of(create_app())
    if table:
        click.echo("\n".join(operations(document)))
        return
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


def operations(document: Mapping[str, Any]) -> Iterator[str]:
    """docs/api-operations.md, line by line: every operation under the title of its noun."""
    yield from HEAD.splitlines()
    titles = {tag["name"]: tag.get("description", tag["name"]) for tag in document.get("tags", ())}
    found = sorted(
        (operation.get("tags", [""])[0], path, METHODS.index(method), operation)
        for path, entry in document["paths"].items()
        for method, operation in entry.items()
        if method in METHODS
    )
    tag = None
    for noun, path, method, operation in found:
        if noun != tag:
            tag = noun
            yield from (
                "",
                f"## {titles.get(noun, noun)}",
                "",
                "| | needs | sends | problems |",
                "|---|---|---|---|",
            )
        yield _row(path, METHODS[method], operation)


def _row(path: str, method: str, operation: Mapping[str, Any]) -> str:
    needs = f"`{operation['x-permission']}`" if "x-permission" in operation else "–"
    if operation.get("security") == []:
        needs = "open"
    headers = {each.get("name") for each in operation.get("parameters", ())}
    sends = "".join(
        letter for letter, name in (("K", "Idempotency-Key"), ("M", "If-Match")) if name in headers
    )
    slugs = sorted({slug for status, told in operation["responses"].items() for slug in _slugs(status, told)})
    what = f"`{method.upper()} {path}` {operation['summary'].rstrip('。')}"
    return f"| {what} | {needs} | {sends} | {' '.join(f'`{slug}`' for slug in slugs)} |"


def _slugs(status: str, told: Mapping[str, Any]) -> list[str]:
    """The problems a response names, one a line."""
    if not status.startswith(("4", "5")):
        return []
    return re.findall(r"^`([a-z0-9-]+)` ", str(told.get("description", "")), re.MULTILINE)
