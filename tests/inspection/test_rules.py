"""Rules are an administrator's: checked with line and plain words, tried before they hold, imported whole."""

from collections.abc import Callable

import pytest

from app.audit import streams
from app.identity.models import people
from app.inspection import rules, service
from app.inspection.models import findings, inspection_rules
from app.notices.models import notices
from tests.inspection.conftest import House
from tests.world import Row

IDLE = "rules:\n  - {key: idle, name: 久未办理, detect: idle, process: work_order_12345, after: %s}\n"


def test_the_rules_beside_the_processes_hold_until_others_are_imported(
    world: House, ruled: Callable[..., Row]
) -> None:
    first = world.get("duban1", "/inspection/rules").json
    done = ruled(IDLE % "P5D")
    now = world.get("duban1", "/inspection/rules").json

    assert (first["version"], len(first["items"])) == (0, 12)
    assert (done["status"], done["version"]) == (200, 1)
    assert (now["version"], [each["key"] for each in now["items"]]) == (1, ["idle"])
    (entry,) = [row for row in world.rows(streams.audit_stream) if row["kind"] == "inspection.imported"]
    assert entry["actor_id"] == world.actor("liucheng1").id


def test_a_try_says_how_many_cases_a_rule_would_list_and_keeps_nothing(
    world: House, ruled: Callable[..., Row]
) -> None:
    for _ in range(3):
        world.order("handle")
    world.wait(days=2)

    tried = ruled(IDLE % "P1D", dry_run=True)
    none = ruled(IDLE % "P3D", dry_run=True)

    assert [each["says"] for each in tried["items"]] == ["按此规则，现在会列出 3 件"]
    assert [each["count"] for each in none["items"]] == [0]
    assert world.rows(inspection_rules) == []
    assert world.rows(findings) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "rules:\n  - {key: a, name: 甲, detect: idel, process: work_order_12345}\n",
            "第 2 行：detect 只能是 ",
        ),
        ("rules:\n  - {key: a, name: 甲, detect: idle, process: work_order_12345}\n", "缺少“after”"),
        (IDLE % "P1M", "只写天、小时、分钟"),
        (IDLE % "三天", "第 2 行"),
        (IDLE.replace("久未", "久未") % "P3D, times: 3", "不看“times”"),
        (IDLE.replace("work_order", "work_ordre") % "P3D", "没有发布过流程“work_ordre_12345”"),
        (IDLE % "P3D, steps: [handel]", "没有环节“handel”；可以写 "),
        (
            IDLE % "P3D" + "  - {key: idle, name: 乙, detect: idle, process: work_order_12345, after: P1D}\n",
            "第 3 行：规则“idle”写了两次",
        ),
        ("rules:\n\t- 甲\n", "缩进不能用 Tab"),
        (
            "rules:\n  - {key: a, name: 甲, detect: reply-late, process: work_order_12345, clock: resolved}\n",
            "没有时钟“resolved”；可以写",
        ),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line_in_plain_words(
    world: House, ruled: Callable[..., Row], text: str, says: str
) -> None:
    told = ruled(text)

    assert (told["status"], told["type"].rpartition("/")[2]) == (422, "inspection-refused")
    assert says in told["detail"]
    assert world.rows(inspection_rules) == []


def test_what_a_dropped_rule_had_found_is_closed(world: House, ruled: Callable[..., Row]) -> None:
    world.order("handle")
    world.wait(days=4)
    before = world.found("idle")

    ruled("rules: []\n")
    service.inspect()

    assert len(before) == 1
    assert {row["state"] for row in world.rows(findings)} == {"closed"}


def test_a_rule_that_fails_stops_no_other(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    world.order("handle")
    world.wait(days=4)
    broken = rules.KINDS["returned"]
    monkeypatch.setitem(
        rules.KINDS,
        "returned",
        type(broken)(broken.kind, broken.name, broken.takes, lambda *_: 1 / 0, broken.says),
    )

    with pytest.raises(service.InspectionIncomplete, match="returned"):
        service.inspect()

    assert "idle" in {row["rule"] for row in world.rows(findings)}


def test_everybody_reads_the_findings_of_the_cases_they_see_and_no_others(world: House) -> None:
    world.order("handle")
    world.wait(days=4)
    service.inspect()

    seen = {
        who: len(world.get(who, "/inspection/findings?rule=idle").json["items"])
        for who in ("duban1", "cgw1", "zjw1", "dongjie1", "jia1")
    }
    nobody = world.get("shenji1", "/inspection/findings")
    may_not = world.post("duban1", "/inspection/rules/import", {"yaml": "rules: []\n"})

    assert seen == {"duban1": 1, "cgw1": 1, "zjw1": 0, "dongjie1": 1, "jia1": 0}
    assert (nobody.status_code, nobody.json["permission"]) == (403, "inspection:read")
    assert (may_not.status_code, may_not.json["permission"]) == (403, "inspection:import")


def test_findings_come_in_pages_the_newest_first(world: House) -> None:
    for _ in range(3):
        world.order("handle")
    world.wait(days=4)
    service.inspect()

    first = world.get("duban1", "/inspection/findings?rule=idle&limit=2").json
    second = world.get("duban1", f"/inspection/findings?rule=idle&limit=2&after={first['page']['next']}").json

    ids = [each["id"] for each in (*first["items"], *second["items"])]
    assert (len(first["items"]), len(second["items"])) == (2, 1)
    assert ids == sorted(ids, reverse=True)
    assert second["page"]["next"] is None


def told(world: House, case_id: str) -> dict[str, list[str]]:
    """Who was told what about a case by the inspection, by login."""
    names = {row["id"]: row["login"] for row in world.rows(people)}
    found: dict[str, list[str]] = {}
    for row in world.rows(notices, kind="inspection", case_id=case_id):
        found.setdefault(names[row["person_id"]], []).append(row["text"])
    return found


@pytest.mark.requirement("SJS-080")
def test_unit_and_supervisor_are_prompted_once_for_each_finding_however_often_one_looks(world: House) -> None:
    task = world.order("handle")
    world.wait(days=4)

    for _ in range(3):
        service.inspect()
    world.done(world.row_of(task))
    service.inspect()
    first = told(world, task["case_id"])
    world.wait(days=4)
    service.inspect()
    second = told(world, task["case_id"])

    idle = {
        who: [text for text in texts if "久没" in text or "长时间" in text] for who, texts in first.items()
    }
    assert {who: len(texts) for who, texts in idle.items() if texts} == {"cgw1": 1, "cgw2": 1, "duban1": 1}
    assert idle["cgw1"] == ["巡检“长时间没有办理”：停在“办理”，4 天 没有任何办理，超过 3 天。"]
    evidence = [text for text in first["cgw1"] if "佐证" in text]
    assert evidence == ["巡检“缺少佐证附件”：已到“结案审核”，应有至少 1 个图片或PDF，现在有 0 个。"]
    assert "duban1" not in {who for who, texts in first.items() if any("佐证" in text for text in texts)}
    again = [text for text in second["duban1"] if "长时间" in text]
    assert len(again) == 2, "another finding is another prompt"
