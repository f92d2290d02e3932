"""`huying openapi`: the document of the API, as docs/openapi.json keeps it and /openapi.json serves it."""

import click
import orjson

from app import create_app
from app.core.http.api import openapi_of


@click.command()
def openapi() -> None:
    """输出接口文档（OpenAPI 3.1）；`huying openapi > docs/openapi.json` 更新留存的一份。"""
    document = openapi_of(create_app())
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
