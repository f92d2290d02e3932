"""The organisation: its file is judged in plain words, and routing gets right answers."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.core import clock, db
from app.identity import login, org
from app.identity.models import appointments, people, units
from app.identity.org import OrgRefused, read_org
from tests.identity.conftest import ORG
from tests.world import application


def test_loading_twice_changes_nothing(organisation: str) -> None:
    def counts() -> list[int]:
        with db.reading() as session:
            return [
                session.scalar(select(func.count()).select_from(t)) for t in (units, people, appointments)
            ]

    before = counts()
    with db.transaction() as session:
        loaded = org.load_org(session, organisation.encode(), with_passwords=False)

    assert (loaded.units, loaded.roles, loaded.people) == (5, 3, 4)
    assert counts() == before == [5, 4, 5]


@pytest.mark.parametrize(
    ("change", "by", "words"),
    [
        ("parent: d1-s1}", "parent: d1-s9}", "第 6 行：单位“d1-s1-c2”的上级“d1-s9”不存在，是不是"),
        (
            "{code: d1, name: 示范区, tier: district}",
            "{code: d1, name: 区, tier: district, parent: d1-s1-c2}",
            "绕成了圈",
        ),
        ("task:complete]}", "task:compleet]}", "没有“task:compleet”这个权限，是不是“task:complete”？"),
        (
            "role: dispatcher, unit: d1-s1}",
            "role: dispacher, unit: d1-s1}",
            "没有“dispacher”这个角色，是不是“dispatcher”？",
        ),
        ("{role: handler, unit: d1-cgw}", "{role: handler, unit: 城管委}", "没有“城管委”这个单位代码"),
        ("tier: street, parent", "level: street, parent", "单位里没有“level”这一项"),
        ("tier: street, parent", "tier: 街道, parent", "tier 只能是 district、street"),
        ("name: 幸福街道", "name: 幸福街道, name: 又一", "“name”写了两次"),
        ("name: 长安街道", "name: 幸福街道", "单位名称“幸福街道”写了两次"),
        ("login: jiedao1", "login: paiqian1", "账号“paiqian1”写了两次"),
        ("kind: service", "kind: robot", "kind 只能是 person 或 service"),
        ("units:", "unitz:", "机构文件里没有“unitz”这一项，是不是“units”？"),
        ("roles:", "roles: [", "不是合格的 YAML"),
        ("code: d1-cgw", "code: D1_cgw", "“code”的写法不对"),
    ],
)
def test_a_fault_is_named_with_its_line_in_plain_words(change: str, by: str, words: str) -> None:
    assert change in ORG

    with pytest.raises(OrgRefused) as refused:
        read_org(ORG.replace(change, by, 1).encode())

    assert words in str(refused.value)
    assert all(line >= 1 for line, _ in refused.value.findings)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"\xff\xfe", b"a: !!python/object:os.system {}", b"units: 3\nroles: 4"]
)
def test_what_is_no_organisation_at_all_is_refused(raw: bytes) -> None:
    with pytest.raises(OrgRefused):
        read_org(raw)


def test_a_refused_file_leaves_the_organisation_as_it_was(organisation: str) -> None:
    bad = organisation.replace("幸福街道", "改名街道").replace("task:complete]}", "task:x]}")

    with pytest.raises(OrgRefused), db.transaction() as session:
        org.load_org(session, bad.encode(), with_passwords=False)

    with db.reading() as session:
        assert org.unit_named(session, "幸福街道") is not None


def test_units_are_found_by_code_by_name_and_below_another(organisation: str) -> None:
    with db.reading() as session:
        by_name = org.unit_named(session, "和平社区")
        assert by_name is not None
        assert by_name.path == "d1/d1-s1/d1-s1-c2"
        assert by_name == org.unit_by_code(session, "d1-s1-c2")
        assert org.unit_named(session, "无此单位") is None
        assert set(org.units_by_code(session, ["d1", "d1-cgw", "none"])) == {"d1", "d1-cgw"}
        below = [unit.code for unit in org.subtree(session, "d1/d1-s1")]
        assert below == ["d1-s1", "d1-s1-c2"]
        assert [unit.code for unit in org.subtree(session, "d1", kind="department")] == ["d1-cgw"]
        named = org.people_by_login(session, ["city", "nobody"])
        assert [person.kind for person in named.values()] == ["service"]
        assert org.name_of(session, named["city"].id) == "市级平台"


@pytest.fixture
def client(organisation: str) -> FlaskClient:
    return application().test_client()


def bearer(login_name: str) -> dict[str, str]:
    with db.transaction() as session:
        person = org.person_by_login(session, login_name)
        assert person is not None
        token, _ = login.token_for(session, person.id)
    return {"Authorization": f"Bearer {token}"}


def test_units_come_page_by_page_and_a_cursor_belongs_to_its_view(client: FlaskClient) -> None:
    headers = bearer("cgw1")
    seen: list[str] = []
    after = None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        body = client.get("/api/v1/org-units", query_string=query, headers=headers).get_json()
        seen += [unit["code"] for unit in body["items"]]
        if body["page"]["next"] is None:
            break
        after = body["page"]["next"]

    assert seen == ["d1", "d1-cgw", "d1-s1", "d1-s1-c2", "d1-s10"]
    answer = client.get("/api/v1/org-units", query_string={"after": after, "tier": "street"}, headers=headers)
    assert answer.get_json(force=True)["errors"][0]["code"] == "cursor-invalid"


def listed(client: FlaskClient, who: str, path: str, **query: object) -> list[str]:
    """Codes of units or logins of people."""
    answer = client.get(f"/api/v1/{path}", query_string=query, headers=bearer(who))
    assert answer.status_code == 200, answer.get_json(force=True)
    return [item.get("code") or item["login"] for item in answer.get_json()["items"]]


def test_units_are_found_by_parent_subtree_name_code_kind_and_tier(client: FlaskClient) -> None:
    def units_of(**query: object) -> list[str]:
        return listed(client, "cgw1", "org-units", **query)

    assert units_of(parent="d1") == ["d1-cgw", "d1-s1", "d1-s10"]
    assert units_of(under="d1-s1") == ["d1-s1", "d1-s1-c2"]  # not d1-s10
    assert units_of(q="街道") == ["d1-s1", "d1-s10"]
    assert units_of(q="d1-s1") == ["d1-s1", "d1-s1-c2", "d1-s10"]
    assert units_of(q="%") == units_of(q="_") == []
    assert units_of(tier="department") == ["d1-cgw"]
    assert units_of(under="d1-s1", tier="community") == ["d1-s1-c2"]
    refused = client.get("/api/v1/org-units?parent=nowhere", headers=bearer("cgw1")).get_json(force=True)
    assert (refused["type"], refused["errors"][0]["pointer"]) == ("/problems/unit-unknown", "?parent")


def test_a_unit_is_shown_as_it_stood_at_an_instant(client: FlaskClient) -> None:
    then = clock.wall() - timedelta(days=1)
    with db.transaction() as session:
        session.execute(update(units).where(units.c.code == "d1-s1-c2").values(valid_to=then))

    street = client.get("/api/v1/org-units/d1-s1", headers=bearer("cgw1")).get_json()
    gone = client.get("/api/v1/org-units/d1-s1-c2", headers=bearer("cgw1")).get_json()

    assert (street["parent"], street["leaf"], street["path"]) == ("d1", True, "d1/d1-s1")
    assert (gone["parent"], gone["validTo"] is not None) == ("d1-s1", True)
    assert listed(client, "cgw1", "org-units", parent="d1-s1") == []
    before = (then - timedelta(hours=1)).isoformat()
    assert listed(client, "cgw1", "org-units", parent="d1-s1", at=before) == ["d1-s1-c2"]
    assert client.get("/api/v1/org-units/nowhere", headers=bearer("cgw1")).status_code == 404


def test_people_are_found_by_unit_role_and_name_within_ones_own_units(client: FlaskClient) -> None:
    assert listed(client, "paiqian1", "people", unit="d1-s1") == ["cgw1", "jiedao1"]
    assert listed(client, "paiqian1", "people", unit="d1") == ["city", "paiqian1"]
    below = ["cgw1", "city", "jiedao1", "paiqian1"]
    assert listed(client, "paiqian1", "people", unit="d1", below="true") == below
    assert listed(client, "paiqian1", "people", role="dispatcher") == ["city", "jiedao1", "paiqian1"]
    assert listed(client, "paiqian1", "people", q="街道") == ["jiedao1"]
    assert listed(client, "paiqian1", "people", q="paiqian") == ["paiqian1"]
    assert listed(client, "jiedao1", "people", role="dispatcher") == ["jiedao1"]
    outside = client.get("/api/v1/people?unit=d1-cgw", headers=bearer("jiedao1"))
    assert (outside.status_code, outside.get_json(force=True)["permission"]) == (403, "org:read")
    unknown = client.get("/api/v1/people?unit=nowhere", headers=bearer("paiqian1"))
    assert unknown.get_json(force=True)["type"] == "/problems/unit-unknown"


def test_who_is_no_longer_appointed_is_not_listed(client: FlaskClient) -> None:
    with db.transaction() as session:
        ended = appointments.c.role == "observer"
        session.execute(update(appointments).where(ended).values(valid_to=clock.wall()))

    assert listed(client, "jiedao1", "people") == ["jiedao1"]


def test_a_person_is_shown_without_anything_secret(client: FlaskClient) -> None:
    (person,) = client.get("/api/v1/people?q=jiedao1", headers=bearer("paiqian1")).get_json()["items"]

    assert sorted(person) == ["appointments", "id", "kind", "login", "name", "state"]
    assert sorted(person["appointments"][0]) == ["role", "unit", "unitPath"]


def test_people_are_shown_only_below_ones_own_units(client: FlaskClient) -> None:
    of_street = client.get("/api/v1/people", headers=bearer("jiedao1")).get_json()["items"]
    refused = client.get("/api/v1/people", headers=bearer("cgw1"))

    assert [(p["login"], [a["unit"] for a in p["appointments"]]) for p in of_street] == [
        ("cgw1", ["d1-s1"]),
        ("jiedao1", ["d1-s1"]),
    ]
    assert refused.status_code == 403
    problem = refused.get_json(force=True)
    assert problem["type"] == "/problems/forbidden-action"
    assert "查看机构和人员" in problem["detail"]
    assert problem["permission"] == "org:read"
