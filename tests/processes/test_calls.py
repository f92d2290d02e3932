"""Processes that share a part by calling it: checked together, published in order, pinned, refused in plain words."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from app.bundles import store
from app.bundles.files import BundleFiles, unpack
from app.bundles.models import process_heads
from app.cli.process import process, publish_each
from app.core import db
from app.processes.callees import Callees, in_order
from app.processes.check import check_folder
from app.processes.publish import ProcessRefused, publish_folder
from tests import world as worlds
from tests.engine.drawing import Drawing, marker
from tests.world import BPMN, bundle_of, by_role

DATA = "found: {type: text, label: 核查情况}"
FORM = "title: 核查\nfields:\n  - {name: found, required: true}\n"
SLA = "clocks: {}\ntiers: []\n"
SCENARIO = """\
name: 核查以后归档
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 派遣员甲, form: {title: 夜间噪声}}
  - complete: {step: take, as: 派遣员甲, outcome: 完成}
  - expect: {tasks: [check/visit], status: 待核查}
  - complete: {step: check/visit, as: 派遣员甲, outcome: 完成, answers: {found: 属实}}
  - complete: {step: close, as: 派遣员甲, outcome: 完成}
  - expect: {ended: true, log: [take, check/visit, close]}
"""
Make = Callable[..., Path]


def site_check(drawing: Drawing | None = None, key: str = "site_check", **about: str) -> BundleFiles:
    """visit → over."""
    if drawing is None:
        drawing = (
            Drawing(key).start("s").task("visit", f'{by_role()} camunda:formKey="check"', status="待核查")
        )
        drawing.end("over").line("s", "visit", "over")
    usual = {"data": DATA, "starts": "[call]", "sla": SLA}
    return bundle_of(key, drawing, forms={"check": FORM}, **{**usual, **about})  # type: ignore[arg-type]


def noise(called: str = "site_check", many: str = "", key: str = "noise", **about: str) -> BundleFiles:
    """take → check (called) → close."""
    drawing = Drawing(key).start().task("take", by_role(), status="待受理")
    drawing.node("callActivity", "check", f'calledElement="{called}"', many)
    drawing.task("close", by_role(), status="待归档").end().line("start", "take", "check", "close", "end")
    files = bundle_of(key, drawing, **{"sla": SLA, **about})  # type: ignore[arg-type]
    return BundleFiles(key, {**files.files, "scenarios/walk.yaml": SCENARIO.encode()})


@pytest.fixture
def side_by_side(tmp_path: Path) -> Make:
    """Bundles as folders beside the organisation of bpmn/; the folder of the last one."""
    shutil.copy(BPMN / "_org.yaml", tmp_path)

    def make(*bundles: BundleFiles) -> Path:
        for files in bundles:
            for path, data in files.files.items():
                place = tmp_path / files.key / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        return tmp_path / bundles[-1].key

    return make


def told(folder: Path, level: str = "error") -> list[tuple[str, str | None, str]]:
    """What is wrong with the process itself."""
    found = [each for each in check_folder(folder).findings if not each.file.startswith("scenarios/")]
    return [(each.rule, each.element, each.zh) for each in found if each.level == level]


def command(*words: str | Path) -> Result:
    return CliRunner().invoke(process, [str(word) for word in words])


def head(key: str) -> str:
    with db.reading() as session:
        found = store.head(session, key)
    assert found is not None
    return found.version_id


# — checking —


def test_folders_side_by_side_may_call_each_other(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())

    checked = check_folder(folder)

    assert checked.findings == ()
    assert checked.good
    assert [(key, each.name, each.number) for key, each in checked.pins.items()] == [
        ("site_check", "试验流程", None)
    ]
    assert checked.files.called == {"site_check": site_check().version}


def test_the_command_tells_what_is_pinned(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())

    result = command("check", folder.parent)

    assert result.exit_code == 0, result.output
    pin = f"调用“试验流程”(site_check)：固定同一文件夹里的这一份 {site_check().version[:12]}。"
    assert result.output.splitlines() == [pin, "noise：通过。", "site_check：通过。"]


def test_what_is_called_is_part_of_the_version() -> None:
    files = noise()
    one, other = BundleFiles("noise", files.files, {"a": "1"}), BundleFiles("noise", files.files, {"a": "2"})

    assert len({files.version, one.version, other.version}) == 3
    assert unpack("noise", one.pack()).called == {"a": "1"}
    assert unpack("noise", one.pack()).version == one.version


@pytest.mark.parametrize(
    ("called", "rule", "words"),
    [
        ("nothing", "bpmn-call-unresolved", "调用的流程 nothing 没有发布过；已发布的流程有 site_check"),
        ("", "bpmn-call-unresolved", "没有写调用哪个流程"),
        ("../site_check", "bpmn-call-unresolved", "没有发布过"),
        ("noise", "bpmn-call-recursive", "会绕回流程自己：noise → noise"),
    ],
)
def test_a_call_to_nothing_or_to_itself_is_refused(
    side_by_side: Make, called: str, rule: str, words: str
) -> None:
    (found,) = told(side_by_side(site_check(), noise(called)))

    assert found[:2] == (rule, "check")
    assert words in found[2]


def test_a_circle_over_several_folders_is_refused(side_by_side: Make) -> None:
    back = Drawing("site_check").start("s").node("callActivity", "again", 'calledElement="middle"').end("e")
    middle = Drawing("middle").start("s").node("callActivity", "on", 'calledElement="noise"').end("e")
    folder = side_by_side(
        site_check(back.line("s", "again", "e"), data=""),
        bundle_of("middle", middle.line("s", "on", "e"), starts="[call]", sla=SLA),
        noise(),
    )

    found = told(folder)

    assert [each[:2] for each in found] == [("bpmn-call-recursive", "check")]
    assert "noise → site_check → middle → noise" in found[0][2]


def test_six_calls_inside_each_other_are_too_many(side_by_side: Make) -> None:
    chain = []
    for place in range(1, 7):
        drawing = Drawing(f"p{place}").start("s").end("e")
        if place == 1:
            drawing.task("a", by_role()).line("s", "a", "e")
        else:
            drawing.node("callActivity", "c", f'calledElement="p{place - 1}"').line("s", "c", "e")
        chain.append(bundle_of(f"p{place}", drawing, starts="[call]", sla=SLA))
    folder = side_by_side(*chain, noise("p6"))

    assert [each[0] for each in told(folder)] == ["bpmn-call-too-deep"]
    assert told(side_by_side(noise("p5"))) == []


@pytest.mark.parametrize(
    ("called", "caller", "rule", "words"),
    [
        (
            site_check(),
            noise(data="found: {type: choice, of: [有, 无], label: 核查情况}"),
            "bpmn-call-data",
            "把“核查情况”(found) 写作文字，这里写作选项（有、无）；两边用的是同一件办件的数据",
        ),
        (
            site_check(),
            noise(data="found: {type: text, label: 核查情况, secret: true}"),
            "bpmn-call-data",
            "这里写作文字（加密）",
        ),
        (
            site_check(
                sla="clocks:\n  all: {start: case.received, stop: case.closed, limit: P1D, label: 总时限}\ntiers: []\n"
            ),
            noise(),
            "bpmn-call-unfit",
            "有自己的时钟“总时限”(all)，被调用时它不是一件办件，时钟不会起算",
        ),
        (
            site_check(
                Drawing("site_check")
                .declare("message", "city.go")
                .node("startEvent", "s", "", '<messageEventDefinition messageRef="city.go"/>')
                .task("visit", by_role())
                .end("e")
                .line("s", "visit", "e"),
                starts="['message:city.go']",
                messages="city.go: {direction: in, starts: true, key: externalNo, data: {title: $.title}}\n",
            ),
            noise(),
            "bpmn-call-unfit",
            "只能由消息开始，不能调用",
        ),
        (
            site_check(
                Drawing("site_check")
                .start("s")
                .task("visit", 'camunda:candidateGroups="item"')
                .end("e")
                .line("s", "visit", "e")
            ),
            noise(),
            "rule-without-item",
            "按 item 指派，调用活动却不是按名单重复的",
        ),
        (
            site_check(
                Drawing("site_check").start("s").task("v" * 58, by_role()).end("e").line("s", "v" * 58, "e")
            ),
            noise(),
            "bpmn-call-too-long",
            "共 64 个字符，最多 60 个",
        ),
        (
            site_check(data="found: {type: nonsense}"),
            noise(),
            "bpmn-call-unreadable",
            "调用的流程 site_check 自己还有错误，请先把它检查通过",
        ),
        (
            site_check(),
            noise(many=marker("units", item="unit"), data="units: {type: list, of: unit, label: 单位}"),
            "bpmn-parallel-write",
            "都填写“核查情况”(found)",
        ),
    ],
)
def test_what_cannot_work_inside_a_call_is_refused_in_plain_words(
    side_by_side: Make, called: BundleFiles, caller: BundleFiles, rule: str, words: str
) -> None:
    found = told(side_by_side(called, caller))

    assert [each[:2] for each in found] == [(rule, "check")]
    assert words in found[0][2]


def two_calls(both: bool, **about: str) -> BundleFiles:
    """Two calls of one process, beside each other or one after the other."""
    drawing = Drawing("noise").start().end()
    for name in ("one", "two"):
        drawing.node("callActivity", name, 'calledElement="site_check"')
    if both:
        drawing.both("split").both("join").line("start", "split", "one", "join", "end").line(
            "split", "two", "join"
        )
    else:
        drawing.line("start", "one", "two", "end")
    return bundle_of("noise", drawing, sla=SLA, **about)  # type: ignore[arg-type]


def test_two_calls_at_once_may_not_fill_the_same_name(side_by_side: Make) -> None:
    assert told(side_by_side(site_check(), two_calls(both=False))) == []
    (found,) = told(side_by_side(two_calls(both=True)))

    assert found[0] == "bpmn-parallel-write"


def sending() -> BundleFiles:
    drawing = Drawing("site_check").declare("message", "lab.ask").start("s").task("visit", by_role())
    drawing.throw("ask", "message", "lab.ask").end("e").line("s", "visit", "ask", "e")
    messages = "lab.ask: {direction: out, to: 'connector:lab', body: {photos: attachments(visit)}}\n"
    return site_check(drawing, messages=messages)


def test_attachments_of_a_step_that_is_called_twice_are_nobodys(side_by_side: Make) -> None:
    (found,) = told(side_by_side(sending(), two_calls(both=False)))

    assert found[:2] == ("bpmn-call-unfit", "two")
    assert "分不清带哪一次的" in found[2]
    assert told(side_by_side(noise())) == []


def test_one_message_is_one_thing_in_a_case(side_by_side: Make) -> None:
    messages = "lab.ask: {direction: out, to: 'connector:other', body: {}}\n"
    found = [
        each
        for each in told(side_by_side(sending(), noise(messages=messages)))
        if each[0] == "bpmn-call-data"
    ]

    assert len(found) == 1
    assert "消息 lab.ask 与这里写的不一样" in found[0][2]


def test_a_start_form_is_not_asked_and_that_is_told(side_by_side: Make) -> None:
    drawing = Drawing("site_check").start("s", 'camunda:formKey="check"').task("visit", by_role()).end("e")
    folder = side_by_side(site_check(drawing.line("s", "visit", "e"), starts="[api]"), noise())

    assert [each[:2] for each in told(folder, "warning") if "call" in each[0]] == [
        ("bpmn-call-start-form", "check")
    ]


def test_what_a_caller_names_it_declares(side_by_side: Make) -> None:
    drawing = (
        Drawing("noise").start().node("callActivity", "check", 'calledElement="site_check"').end().end("f")
    )
    drawing.either("way", default="rest").line("start", "check", "way").flow("way", "f", 'found == "属实"')
    drawing.flow("way", "end", name="rest")

    (found,) = told(side_by_side(site_check(), bundle_of("noise", drawing, sla=SLA)))
    assert found[0] == "bpmn-unknown-name"
    assert told(side_by_side(bundle_of("noise", drawing, sla=SLA, data=DATA))) == []


def test_the_callers_clocks_and_words_know_called_steps(side_by_side: Make) -> None:
    sla = "clocks:\n  v: {start: task.opened(check/visit), stop: task.done(check/visit), limit: PT2H, label: 核查}\ntiers: []\n"
    wrong = sla.replace("opened(check/visit)", "opened(check/visti)")
    more = "public: {待受理: 受理中, 待核查: 核查中, 待归档: 办理中}\n"

    assert told(side_by_side(site_check(), noise(sla=sla, more=more)), "warning") == []
    assert told(side_by_side(noise(sla=sla, more=more))) == []
    assert [each[0] for each in told(side_by_side(noise(sla=wrong)))] == ["event-step-unknown"]


# — publishing —


@pytest.mark.usefixtures("district")
def test_what_is_called_is_published_first_and_pinned(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())

    lines = [line for each in publish_each([folder, folder.parent / "site_check"]) for line in each.lines]
    again = [line for each in publish_each([folder, folder.parent / "site_check"]) for line in each.lines]

    assert [line.partition("：")[0] for line in lines] == [
        "流程“试验流程”(site_check)",
        "调用“试验流程”(site_check)",
        "流程“试验流程”(noise)",
    ]
    assert f"固定第 1 版 {head('site_check')[:12]}" in lines[1]
    assert [line for line in again if "没有变化" in line] == [again[0], again[2]]
    with db.reading() as session:
        assert store.version(session, head("noise")).files.called == {"site_check": head("site_check")}


@pytest.mark.usefixtures("district")
def test_a_new_version_says_who_goes_on_with_the_old_one(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())
    list(publish_each([folder.parent / "site_check", folder]))
    caller = head("noise")
    changed = side_by_side(site_check(data=f"{DATA}, more: {{type: text, label: 补充}}"))

    (published,) = publish_each([changed])
    assert published.lines[-1] == "“试验流程”(noise) 调用它，仍用原来的一版；要用新的一版，请重新发布 noise。"
    assert head("noise") == caller

    (published,) = publish_each([folder])
    assert "固定第 2 版" in published.lines[0]
    assert "已发布，第 2 版" in published.lines[1]
    assert publish_folder(changed).behind == ()


@pytest.mark.usefixtures("district")
def test_publishing_knows_only_what_is_published(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())

    with pytest.raises(ProcessRefused) as refused:
        publish_folder(folder)

    assert [error.code for error in refused.value.errors] == ["bpmn-call-unresolved"]


@pytest.mark.usefixtures("district")
def test_a_retired_process_is_called_by_no_new_version(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())
    list(publish_each([folder.parent / "site_check", folder]))
    version = head("noise")
    with db.transaction() as session:
        values = {"retired_at": worlds.World(db.current()).now()}
        session.execute(update(process_heads).where(process_heads.c.key == "site_check").values(values))

    with pytest.raises(ProcessRefused) as refused:
        publish_folder(folder)

    assert "已停用，新的版本不能再调用它；已发布的版本和在办件不受影响" in refused.value.errors[0].message
    assert head("noise") == version


@pytest.mark.usefixtures("district")
def test_over_http_a_version_tells_what_it_calls(side_by_side: Make) -> None:
    world = worlds.World(db.current())
    texts = {
        files.key: {path: data.decode() for path, data in files.files.items()}
        for files in (site_check(), noise())
    }
    world.post("liucheng1", "/deployments", {"key": "site_check", "files": texts["site_check"]})

    checked = world.post("liucheng1", "/deployments/validate", {"key": "noise", "files": texts["noise"]}).json
    deployed = world.post("liucheng1", "/deployments", {"key": "noise", "files": texts["noise"]}).json

    pin = {"key": "site_check", "name": "试验流程", "number": 1, "version": head("site_check")}
    assert (checked["good"], checked["calls"], deployed["calls"]) == (True, [pin], [pin])
    assert checked["rehearsal"]["passed"], checked["rehearsal"]
    assert checked["version"] == deployed["version"]["id"] == head("noise")
    steps = world.get("liucheng1", "/process-definitions/noise").json["steps"]
    assert [each["id"] for each in steps] == ["take", "close", "check/visit"]


# — walking —


def test_a_walk_goes_through_what_is_called_and_counts_its_own_elements(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())

    result = command("walk", folder, "--coverage")

    assert result.exit_code == 0, result.output
    assert "✓ 核查以后归档" in result.output
    assert "1/1 个场景走通；流程图元素、档走到 5/5，100%。" in result.output


def test_a_scenario_names_called_steps_that_there_are(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())
    scenario = folder / "scenarios" / "walk.yaml"
    scenario.write_text(
        scenario.read_text("utf-8").replace("{step: check/visit", "{step: check/visti"), "utf-8"
    )

    (found,) = check_folder(folder).findings

    assert found.rule == "scenario-unknown-step"
    assert "调用的流程里没有环节“check/visti”；有 check/visit" in found.zh


def test_folders_in_order_come_after_what_they_call(side_by_side: Make) -> None:
    folder = side_by_side(site_check(), noise())

    assert [each.name for each in in_order([folder, folder.parent / "site_check"])] == ["site_check", "noise"]
    assert Callees(folder.parent).keys() == {"noise", "site_check"}
