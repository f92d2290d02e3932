"""A small table of categories in the test's database."""

import pytest

from app.categories.category_file import read_categories
from app.categories.importing import Report, import_file
from app.core import db
from app.identity.actor import SYSTEM

SMALL = """
table: city_12345
name: 诉求分类
from: 2026-01-01
categories:
  - code: "01"
    name: 城市管理
    children:
      - code: "0101"
        name: 公用设施
        children:
          - {code: "010101", name: 路灯不亮, keywords: [路灯, 照明]}
          - {code: "010102", name: 井盖缺损}
      - {code: "0102", name: 园林绿化}
  - {code: 10, name: 教育}
"""


def load(text: str, *, dry_run: bool = False) -> Report:
    with db.transaction() as session:
        return import_file(
            session, SYSTEM, read_categories("city_12345.yaml", text.encode()), dry_run=dry_run
        )


@pytest.fixture
def table(database: db.Database) -> str:
    """The table above; returns its text."""
    load(SMALL)
    return SMALL
