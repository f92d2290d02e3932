"""The page at `/`: what a person finds who opens the printed address in a browser."""

from flask import Flask, Response

from app.core.http.gate import public

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Nothing may be loaded, run, sent or framed: the page is words and links."""

PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>呼应 Huying</title>
</head>
<body>
<h1>呼应 Huying</h1>
<p>服务正在运行。这个版本提供接口，还没有办件页面。</p>
<ul>
<li><a href="/openapi.json">接口说明</a>（OpenAPI 3.1）</li>
<li><a href="/readyz">是否可以服务</a>（数据库、数据库结构、磁盘、Redis）</li>
<li><a href="/version">版本</a></li>
</ul>
<p>怎么走一遍流程，见项目文件夹里的 README.md。</p>
<p>接口的约定和全部错误见 docs/api.md；运行维护见 docs/operations.md。</p>
</body>
</html>
"""


def install(app: Flask) -> None:
    """Adds `/`; nobody needs to sign in for it."""

    @public
    def front() -> Response:
        """Words and links."""
        return Response(PAGE, mimetype="text/html", headers={"Content-Security-Policy": POLICY})

    app.add_url_rule("/", view_func=front)
