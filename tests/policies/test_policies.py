"""Policies as rows: a number for each version that changes the clocks, and whose it is that a case goes by."""

from app.bundles.files import BundleFiles
from app.clocks import policies
from app.core import db
from tests import world
from tests.world import World

KEY = world.WORK_ORDER


def changed(path: str, old: str, new: str) -> BundleFiles:
    files = dict(world.folder(KEY).files)
    assert old.encode() in files[path]
    return BundleFiles(KEY, {**files, path: files[path].replace(old.encode(), new.encode())})


def deploy(house: World, files: BundleFiles) -> None:
    texts = {path: data.decode() for path, data in files.files.items()}
    answer = house.post("liucheng1", "/deployments", {"key": KEY, "files": texts})
    assert answer.status_code == 201, answer.json


def test_a_policy_gets_its_number_only_when_the_clocks_changed_and_cases_keep_theirs(
    database: db.Database,
) -> None:
    house = world.build(database)
    first = house.file().case
    deploy(house, changed("forms/dispatch.yaml", "派遣", "派单"))
    deploy(house, changed("sla.yaml", "limit: PT2H", "limit: PT4H"))
    second = house.file().case

    told = house.get("liucheng1", f"/processes/{KEY}/policies").json["items"]
    lines = {
        each: house.get("paiqian1", f"/cases/{case['id']}/clocks").json["items"][0]
        for each, case in {1: first, 2: second}.items()
    }

    assert [(each["number"], each["version"]["number"], each["current"]) for each in told] == [
        (2, 3, True),
        (1, 1, False),
    ]
    assert told[0]["changes"] == ["时钟“签收时限”的时限：2 小时 → 4 小时"]
    assert {number: each["policy"] for number, each in lines.items()} == {1: 1, 2: 2}
    (basis,) = [line["text"] for line in lines[2]["lines"] if line["what"] == "依据"]
    assert basis.startswith("时限规则第 2 版，流程版本")
    with db.transaction() as session:  # as a second publication of the same would
        policies.follow(session, KEY)
        assert len(policies.of_key(session, KEY)) == 2
    assert house.get("cgw1", f"/processes/{KEY}/policies").json["type"] == "/problems/forbidden-action"
    assert house.get("liucheng1", "/processes/nothing/policies").status_code == 404
