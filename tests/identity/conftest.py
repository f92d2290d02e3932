"""A small organisation, loaded into the test's database."""

import pytest

from app.core import db
from app.identity import org

ORG = """
name: 示范区
units:
  - {code: d1, name: 示范区, tier: district}
  - {code: d1-s1, name: 幸福街道, tier: street, parent: d1}
  - {code: d1-s1-c2, name: 和平社区, tier: community, parent: d1-s1}
  - {code: d1-s10, name: 长安街道, tier: street, parent: d1}
  - {code: d1-cgw, name: 城管委, tier: department, parent: d1}
roles:
  dispatcher: {name: 派遣员, permissions: [case:create, case:read, task:read, task:complete, org:read]}
  handler: {name: 承办人, permissions: [case:read, task:read, task:complete]}
  observer: {name: 观察员, permissions: [case:read]}
people:
  - {login: paiqian1, name: 派遣员甲, password: demo-paiqian1, appointments: [{role: dispatcher, unit: d1}]}
  - login: jiedao1
    name: 街道派遣员
    password: demo-jiedao1
    appointments: [{role: dispatcher, unit: d1-s1}]
  - login: cgw1
    name: 城管委承办人
    appointments: [{role: handler, unit: d1-cgw}, {role: observer, unit: d1-s1}]
  - {login: city, name: 市级平台, kind: service, appointments: [{role: dispatcher, unit: d1}]}
"""


@pytest.fixture
def organisation(database: db.Database) -> str:
    """The organisation above without passwords; returns its text."""
    with db.transaction() as session:
        org.load_org(session, ORG.encode(), with_passwords=False)
    return ORG
