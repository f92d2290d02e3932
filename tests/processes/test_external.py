"""A process that gives work to a system outside: checked, published, and walked in scenarios."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from app import bundles
from app.bundles import Bundle
from app.bundles.files import BundleFiles
from app.cli.process import process
from app.core import db
from app.processes import check, scenarios, walk
from app.processes.cross import open_diagram
from app.processes.scenario_check import Against, read_scenario
from app.processes.scenarios import ScenarioFailed
from app.processes.stage import Story
from tests import world as worlds
from tests.cases.external.conftest import DATA, FORMS, INPUTS, OUTPUTS, OUTSIDE, printing
from tests.engine.drawing import Drawing
from tests.world import by_role

PRINTED = """
name: 打印后归档
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 派遣员甲, form: {title: 路灯不亮, place_unit: d1-s1, amount: 2}}
  - external: {step: print, answers: {number: P-7, units: [d1-cgw]}}
  - expect: {tasks: [archive], data: {printed_no: P-7}}
  - complete: {step: archive, as: 派遣员甲}
  - expect: {ended: true}
"""
NO_PAPER = """
name: 没有纸，买来再归档
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 派遣员甲, form: {title: 路灯不亮, place_unit: d1-s1, amount: 2}}
  - external: {step: print, error: no_paper}
  - complete: {step: buy, as: 派遣员甲}
  - complete: {step: archive, as: 派遣员甲}
"""
TOO_LATE = """
name: 一天没有打印
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 派遣员甲, form: {title: 路灯不亮, place_unit: d1-s1, amount: 2}}
  - pass: P1D
  - complete: {step: hurry, as: 派遣员甲}
"""


def files(drawing: Drawing | None = None, **scenarios: str) -> BundleFiles:
    whole = worlds.bundle_of("drawn", drawing or printing(way_out=True), data=DATA, forms=FORMS)
    told = {f"scenarios/{name}.yaml": text.encode() for name, text in scenarios.items()}
    return BundleFiles("drawn", {**whole.files, **told})


def outside(attributes: str = OUTSIDE, outputs: dict[str, str] | None = None) -> Drawing:
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.service("print", "", INPUTS, OUTPUTS if outputs is None else outputs, attributes)
    return drawing.task("archive", by_role()).end().line("start", "print", "archive", "end")


def errors(drawing: Drawing) -> list[tuple[str, str, str]]:
    checked = check.check_files(files(drawing))
    return [(each.rule, each.element or "", each.zh) for each in checked.findings if each.level == "error"]


def test_work_outside_may_be_published() -> None:
    assert errors(outside()) == []


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("", "没有写 topic"),
        ("打印", "topic“打印”不对"),
        ("9print", "topic“9print”不对"),
        ("a b", "例如 notice.print"),
    ],
)
def test_a_topic_is_written_and_well_formed(topic: str, says: str) -> None:
    ((rule, element, zh),) = errors(outside(f'camunda:type="external" camunda:topic="{topic}"'))

    assert (rule, element) == ("bpmn-extension-value", "print")
    assert says in zh


@pytest.mark.parametrize(
    ("target", "rule", "says"),
    [
        ("number", "external-output", "“number”（办件编号），它由系统填写，不能由外部交回"),
        ("caller", "secret-in-condition", "“caller”（来电人）是加密保存的"),
        ("printed", "bpmn-unknown-name", "没有该数据"),
    ],
)
def test_what_nobody_outside_may_fill_is_told(target: str, rule: str, says: str) -> None:
    ((found, element, zh),) = errors(outside(outputs={"number": target}))

    assert (found, element) == (rule, "print")
    assert says in zh


def test_two_that_hand_in_at_once_do_not_fill_the_same_name() -> None:
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"').both("split").both("join").end()
    for name in ("print", "stamp"):
        drawing.service(name, "", {}, {"number": "printed_no"}, OUTSIDE).line("split", name, "join")
    drawing.line("start", "split").line("join", "end")

    ((rule, element, zh),) = errors(drawing)

    assert (rule, element) == ("bpmn-parallel-write", "stamp")
    assert "“文印编号”(printed_no)" in zh


def test_a_secret_never_leaves_as_a_variable() -> None:
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.service("print", "", {"who": "${caller}"}, {}, OUTSIDE).end().line("start", "print", "end")

    ((rule, element, _),) = errors(drawing)

    assert (rule, element) == ("secret-in-condition", "print")


def test_the_check_lists_the_topics_that_accounts_need(tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    for name, data in {**files(outside()).files, "sla.yaml": b"clocks: {}\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    told = CliRunner().invoke(process, ["check", str(folder)]).output

    assert "；外部办理的主题：notice.print（print）。" in told


@pytest.fixture
def bundle(database: db.Database) -> Bundle:
    whole = files(printing(way_out=True))
    worlds.build(database, whole)
    return bundles.get(whole.version)


def told(bundle: Bundle, text: str) -> Story:
    diagram = open_diagram(bundle.files.files["process.bpmn"])
    assert diagram is not None
    scenario, findings = read_scenario("scenarios/s.yaml", text.encode(), Against(bundle, diagram, None))
    assert scenario is not None, [each.zh for each in findings]
    return scenarios.run(scenario, bundle.version)


def test_a_scenario_plays_the_system_outside(bundle: Bundle) -> None:
    printed, no_paper = told(bundle, PRINTED), told(bundle, NO_PAPER)

    assert "外部系统办理“print”" in printed.lines[1]
    assert "外部系统办理“print”，报出 no_paper" in no_paper.lines[1]


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("answers: {number: P-7, units: [d1-cgw]}", "answers: {number: 7, units: [d1-cgw]}", "应填写文字"),
        ("answers: {number: P-7, units: [d1-cgw]}", "answers: {number: P-7}", "请交回“units”"),
        (
            "  - expect: {tasks",
            "  - external: {step: print}\n  - expect: {tasks",
            "“print”现在没有在等外部系统",
        ),
    ],
)
def test_a_scenario_says_what_was_wrong_with_what_was_handed_in(
    bundle: Bundle, was: str, now: str, says: str
) -> None:
    with pytest.raises(ScenarioFailed) as failed:
        told(bundle, PRINTED.replace(was, now))

    assert says in failed.value.zh


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("step: print", "step: archive", "没有由外部办理的“archive”；有 print"),
        ("number: P-7,", "numero: P-7,", "不交回“numero”；要交回的有 number、units（是不是 number？）"),
    ],
)
def test_a_step_of_a_scenario_names_work_and_results_that_are_there(was: str, now: str, says: str) -> None:
    checked = check.check_files(files(printing(way_out=True), s=PRINTED.replace(was, now)))

    (zh,) = [each.zh for each in checked.findings if each.file == "scenarios/s.yaml"]
    assert says in zh


def test_scenarios_may_reach_every_element(database: db.Database) -> None:
    again = PRINTED.replace("打印后归档", "编号不对").replace("P-7", "P-0").replace("[archive]", "[buy]")
    again = again.replace("step: archive", "step: buy").replace("  - expect: {ended: true}\n", "")
    whole = files(printing(way_out=True), a=PRINTED, b=NO_PAPER, c=TOO_LATE, d=again)
    worlds.build(database, whole)

    walked, coverage = walk.walk(whole, whole.version, None)

    assert [each.failed for each in walked] == [None] * 4
    assert (coverage.percent, coverage.missed) == (100, ())
