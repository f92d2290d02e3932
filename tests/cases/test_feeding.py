"""A step files a case of another process: in the same transaction, linked, once, or not at all."""

from typing import Any

import pytest

from app.audit.verify import verify
from app.bundles.files import BundleFiles
from app.cases.attachments import kinds, service, shelf
from app.cases.attachments.models import attachments
from app.cases.models import cases, incidents, number_series
from app.cases.models import tasks as task_rows
from app.core import db
from app.processes.callees import among_published
from app.processes.check import check_files
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, bundle_of, by_role

LABELS = "kind: {type: choice, label: 类型, of: [公共, 邻里]}"
FORMS = {
    "filing": "title: 登记\nfields:\n  - {name: content, required: true}\n  - {name: kind, required: true}\n"
}
USUAL = {"process": "problem", "data": "content, kind=label, note='来自信箱', whole=content"}
PLACE = "d1-s1-c1"


def problem(form: str = FORMS["filing"], **about: Any) -> BundleFiles:
    """solve → end; it asks content and kind, and knows a note that its form does not ask."""
    drawing = Drawing("problem").start(attributes='camunda:formKey="filing"')
    drawing.task("solve", by_role(), status="待解决").end().line("start", "solve", "end")
    data = LABELS + ", note: {type: text, label: 备注}, whole: {type: text, label: 全文, max: 500}"
    return bundle_of("problem", drawing, data=data, forms={"filing": form}, **about)


def letter(inputs: dict[str, str] | None = None, before: bool = True, **about: Any) -> BundleFiles:
    """read → file → end, or with nobody before it: the case files as soon as it is filed."""
    drawing = Drawing("letter").start(attributes='camunda:formKey="filing"')
    drawing.service("file", "cases.file", inputs or USUAL, {"case": "problem_id", "number": "problem_no"})
    drawing.task("read", by_role()).end()
    drawing.line("start", *(("read", "file") if before else ("file", "read")), "end")
    data = "label: {type: choice, label: 标签, of: [公共, 邻里]}, "
    data += "problem_id: {type: text, label: 问题}, problem_no: {type: text, label: 问题编号}"
    forms = {"filing": FORMS["filing"].replace("kind", "label")}
    return bundle_of("letter", drawing, data=data, forms=forms, starts="[api, resident]", **about)


@pytest.fixture
def fed(database: db.Database) -> World:
    return worlds.build(database, problem(), letter())


def write(world: World, by: str = "paiqian1", **about: Any) -> Any:
    answers = {"content": "门前积水。", "label": "公共"}
    return world.file(by, "letter", **{"title": "积水", "place_unit": PLACE, "answers": answers, **about})


def filed(world: World) -> list[Row]:
    return world.rows(cases, process_key="problem")


def told(world: World, case: Row) -> list[str]:
    items = world.get("paiqian1", f"/cases/{case['id']}/timeline?limit=200").json["items"]
    return [event["text"] for line in items for event in line["events"]]


def test_a_step_files_a_case_of_its_own_with_what_it_was_given(fed: World) -> None:
    source = write(fed)

    fed.complete("paiqian1", source.opened[0])

    (case,) = filed(fed)
    letter_now = fed.case(source.case["id"])
    assert (case["state"], case["status"], case["root_id"], case["parent_id"]) == (
        "active",
        "待解决",
        case["id"],
        None,
    )
    assert (case["title"], case["source"], case["place_unit"]) == ("积水", "试验流程", PLACE)
    assert {name: case["data"][name] for name in ("content", "kind", "note", "whole")} == {
        "content": "门前积水。",
        "kind": "公共",
        "note": "来自信箱",
        "whole": "门前积水。",
    }
    assert (letter_now["data"]["problem_no"], letter_now["data"]["problem_id"]) == (
        case["number"],
        case["id"],
    )
    assert letter_now["state"] == "closed"
    assert [task["step"] for task in fed.inbox_of(case)] == ["solve"]


def test_both_tell_of_it_and_the_chain_holds(fed: World) -> None:
    source = write(fed)

    fed.complete("paiqian1", source.opened[0])

    (case,) = filed(fed)
    assert f"关联：引起 {case['number']}" in told(fed, source.case)
    assert f"关联：起因于 {source.case['number']}" in told(fed, case)
    (link,) = fed.get("paiqian1", f"/cases/{case['id']}/links").json["items"]
    assert (link["kind"], link["outward"], link["case"]["id"]) == ("caused_by", True, source.case["id"])
    with db.reading() as session:
        assert verify(session).faults == ()


def test_a_case_that_files_as_soon_as_it_is_filed_takes_its_resident_and_its_files_along(
    database: db.Database,
) -> None:
    inputs = {
        **USUAL,
        "files": "yes",
        "link": "escalated_as",
        "source": "人民信箱",
        "since": "${received_at}",
    }
    world = worlds.build(database, problem(), letter(inputs, before=False))

    source = write(world, "jumin1", place_unit=None)

    (case,) = filed(world)
    assert (case["source"], case["reporter_id"]) == ("人民信箱", world.actor("jumin1").id)
    assert case["received_at"] == world.case(source.case["id"])["received_at"]
    mine = world.get("jumin1", "/my/cases").json["items"]
    assert {each["number"] for each in mine} == {source.case["number"], case["number"]}
    assert f"关联：上报为 {case['number']}" in told(world, source.case)


def test_attachments_are_referred_to(database: db.Database) -> None:
    world = worlds.build(database, problem(), letter({**USUAL, "files": "yes"}))
    source = write(world)
    kept = shelf.Kept("00000000/one", 1, bytes(32))
    brought = service.Taken("现场.pdf", kinds.TEXT, kept)
    service.attach(world.actor("paiqian1"), source.case["id"], source.opened[0]["id"], brought)

    world.complete("paiqian1", world.row(task_rows, source.opened[0]["id"]))

    (case,) = filed(world)
    (own,) = world.rows(attachments, case_id=source.case["id"])
    (its,) = world.rows(attachments, case_id=case["id"])
    assert (its["stored"], its["name"]) == (own["stored"], own["name"])
    assert its["id"] != own["id"]


def test_the_newest_version_is_meant_when_the_step_is_reached(fed: World) -> None:
    source = write(fed)
    newer = fed.publish(problem(more="public: {待解决: 正在解决}\n"))

    fed.complete("paiqian1", source.opened[0])

    assert filed(fed)[0]["version_id"] == newer.version


def formless() -> BundleFiles:
    drawing = Drawing("problem").start().task("solve", by_role()).end().line("start", "solve", "end")
    return bundle_of("problem", drawing)


@pytest.mark.parametrize(
    ("files", "says"),
    [(None, "没有发布过名为“problem”的流程"), (formless(), "没有可以写入的“note”")],
    ids=["nothing-there", "nothing-fits"],
)
def test_what_cannot_be_filed_stops_the_step_and_leaves_nothing(
    database: db.Database, files: BundleFiles | None, says: str
) -> None:
    world = worlds.build(database, *([files] if files else []), letter())
    source = write(world)

    answer = world.post(
        "paiqian1", f"/tasks/{source.opened[0]['id']}/complete", {"outcome": "完成", "answers": {}}, seen=1
    )

    assert (answer.status_code, answer.json["type"].rsplit("/", 1)[-1]) == (409, "process-stopped")
    (incident,) = world.rows(incidents, case_id=source.case["id"])
    assert says in incident["explanation"]
    assert filed(world) == []
    (series,) = world.rows(number_series)
    assert series["last"] == 1, "the number went with the case that was not filed"


def test_a_repeated_request_files_once(fed: World) -> None:
    source = write(fed)
    path, body = f"/tasks/{source.opened[0]['id']}/complete", {"outcome": "完成", "answers": {}}

    first = fed.post("paiqian1", path, body, key="k", seen=1)
    again = fed.post("paiqian1", path, body, key="k", seen=1)

    assert (first.status_code, again.data) == (200, first.data)
    assert len(filed(fed)) == 1


# — checked before it is published —


def wrong(world: World, inputs: dict[str, str]) -> list[tuple[str, str]]:
    checked = check_files(letter({**USUAL, **inputs}), callees=among_published())
    return [(each.rule, each.zh) for each in checked.findings if each.level == "error"]


def test_what_the_diagram_says_itself_need_not_be_offered_to_people(database: db.Database) -> None:
    form = FORMS["filing"].replace("{name: kind,", "{name: kind, choices: [邻里],")
    world = worlds.build(database, problem(form), letter({**USUAL, "data": "content, kind='公共'"}))

    world.complete("paiqian1", write(world).opened[0])

    assert filed(world)[0]["data"]["kind"] == "公共"


@pytest.mark.parametrize(
    ("inputs", "rule", "says"),
    [
        ({"process": "problems"}, "filed-process", "没有这个流程；有 problem（是不是 problem？）"),
        ({"process": "letter"}, "filed-process", "本流程自己"),
        ({"process": "${label}"}, "filed-process", "直接写流程的键"),
        ({"data": "content, kind=labe"}, "filed-data", "本流程没有“labe”"),
        ({"data": "content, kinds=label"}, "filed-data", "没有“kinds”"),
        ({"data": "content, kind='别的'"}, "filed-data", "没有“别的”；有 公共、邻里"),
        ({"data": "content, kind=label, source='信箱'"}, "filed-data", "由系统填写"),
        ({"data": "content"}, "filed-required", "必填的“类型”(kind)"),
        ({"data": "content; kind"}, "filed-value", "看不懂“content; kind”"),
        ({"link": "split_from"}, "filed-value", "的 link“split_from”不对"),
        ({"files": "all"}, "filed-value", "写 yes 或 no"),
    ],
)
def test_the_mapping_is_held_against_the_other_process(
    fed: World, inputs: dict[str, str], rule: str, says: str
) -> None:
    found = wrong(fed, inputs)

    assert [each[0] for each in found][:1] == [rule]
    assert says in found[0][1]


def test_a_fitting_mapping_is_accepted(fed: World) -> None:
    assert wrong(fed, {}) == []


def test_a_bundle_alone_is_told_what_is_missing() -> None:
    (found,) = [each for each in check_files(letter()).findings if each.level == "error"]

    assert (found.rule, found.element) == ("filed-process", "file")
