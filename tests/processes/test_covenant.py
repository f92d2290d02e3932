"""公约与项目 as it is shipped: the committee publishes one directly, residents and other communities do not."""

import pytest

from app.core import db
from tests import world as worlds

DRAWN_UP = {"kind": "公约", "content": "楼道不堆放杂物。"}


@pytest.mark.requirement("BS-272", "BS-273")
def test_only_the_committee_draws_up_a_covenant_which_turns_into_a_project_and_back_as_one_case(
    database: db.Database,
) -> None:
    house = worlds.build(database, worlds.shipped("covenant"))
    body = {"process": "covenant", "title": "楼道公约", "answers": DRAWN_UP}

    refused = house.post("jumin1", "/my/cases", body)
    filed = house.post("jia1", "/cases", {**body, "placeUnit": "d1-s1-c1"}).json

    assert refused.json["type"] == "/problems/process-unknown"
    case, task = filed["case"]["id"], house.inbox_of(filed["case"])[0]
    assert house.get("ding1", f"/cases/{case}").status_code == 404
    opened = house.complete("jia1", task, "发布", {**DRAWN_UP, "effective_on": "2026-03-01"}).opened
    kinds = []
    for note in ("改为项目。", "改回公约。"):
        opened = house.complete("jia1", opened[0], "转换类别", {"change_note": note}).opened
        kinds.append(house.case(case)["data"]["kind"])
    history = [line.partition("，")[2] for line in house.case(case)["data"]["history"]]
    assert kinds == ["项目", "公约"]
    assert history == ["公约：发布", "项目：改为项目。", "公约：改回公约。"]
