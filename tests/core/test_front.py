"""The printed address is opened in a browser: it must say in Chinese what this is, and load nothing."""

import re

from app.core import db
from tests.world import application


def test_the_address_answers_a_plain_page_whose_links_lead_somewhere(sqlite: db.Database) -> None:
    client = application().test_client()

    answer = client.get("/")

    page = answer.get_data(as_text=True)
    links = re.findall(r'href="([^"]+)"', page)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "呼应" in page
    assert "<script" not in page
    assert "style" not in page
    assert {"/openapi.json", "/readyz"} <= set(links)
    assert [link for link in links if client.get(link).status_code != 200] == []


def test_the_page_stands_only_at_its_own_address(sqlite: db.Database) -> None:
    client = application().test_client()

    assert client.post("/").status_code == 405
    assert client.get("/?a=1").status_code == 422
