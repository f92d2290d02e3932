"""A process that asks how many cases of another one there are: what it asks by is held against the other."""

import pytest

from app.bundles.bundle import compile_bundle
from app.bundles.files import BundleFiles
from app.processes.callees import Callee, Callees
from app.processes.check import check_files
from tests.engine.drawing import Drawing
from tests.processes.test_calls import SLA
from tests.world import bundle_of, by_role

USUAL = {"process": "booth", "where": "project=number, bound='是', state='active'", "least": "1"}


def booth() -> BundleFiles:
    """A station of a project: open → end."""
    drawing = (
        Drawing("booth").start().task("open", by_role(), status="待开").end().line("start", "open", "end")
    )
    data = "project: {type: text, max: 60, label: 项目}, bound: {type: choice, label: 绑定, of: [是, 否]}"
    data += ", places: {type: int, label: 名额}, note: {type: text, label: 备注}"
    return bundle_of("booth", drawing, data=data, facts="[project, bound, places]", sla=SLA)


def fair(**inputs: str) -> BundleFiles:
    """count → end: how many booths it has."""
    drawing = (
        Drawing("fair").start().service("count", "cases.count", {**USUAL, **inputs}, {"count": "booths"})
    )
    drawing.task("hold", by_role()).end().line("start", "hold", "count", "end")
    data = "booths: {type: int, label: 展位}, phone: {type: text, label: 电话, secret: true}"
    return bundle_of("fair", drawing, data=data, sla=SLA)


@pytest.mark.parametrize(
    ("inputs", "rule", "says"),
    [
        ({}, None, ""),
        ({"process": "boot"}, "counted-process", "没有这个流程；有 booth（是不是 booth？）"),
        ({"process": "${number}"}, "counted-process", "直接写流程的键"),
        (
            {"where": "projekt=number"},
            "counted-where",
            "没有“projekt”；可以用 project、bound、places、number",
        ),
        ({"where": "projekt=number"}, "counted-where", "（是不是 project？）"),
        ({"where": "note=number"}, "counted-where", "facts 里没有“note”"),
        ({"where": "places='3'"}, "counted-where", "“名额”(places) 是数或时刻"),
        ({"where": "bound='有'"}, "counted-where", "不会是“有”；有 是、否"),
        ({"where": "state='open'"}, "counted-where", "state 不会是“open”"),
        ({"where": "project=numbr"}, "counted-where", "本流程没有“numbr”"),
        ({"where": "project=phone"}, "counted-where", "加密保存的"),
        ({"where": "project; bound"}, "counted-where", "看不懂“project; bound”"),
        ({"least": "-1"}, "counted-least", "“-1”不对"),
        ({"least": "一个"}, "counted-least", "0 或更大的整数"),
    ],
)
def test_what_is_counted_elsewhere_is_held_against_the_other_process(
    inputs: dict[str, str], rule: str | None, says: str
) -> None:
    other = Callee("booth", frozenset(), compile_bundle(booth())[0])
    callees = Callees(published={"booth": other}.get, keys=lambda: ["booth"])

    checked = check_files(fair(**inputs), callees=callees)

    found = [each for each in checked.findings if each.level == "error"]
    assert {each.rule for each in found} == ({rule} if rule else set())
    assert all(says in each.zh and each.line for each in found), found
