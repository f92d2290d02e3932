"""A process administrator edits a file of a shipped process, and a scenario shows what is different."""

import shutil
from pathlib import Path

import pytest

from app.core import db
from app.processes.publish import ProcessRefused
from tests import world as worlds
from tests.processes.test_scenarios import walked
from tests.world import BPMN

HEAD = "name: 改了以后\nat: 2026-03-02T09:00+08:00\nsteps:\n"
SNAP = (
    "  - start: {by: 居民甲, form: {title: 垃圾桶满了, content: 垃圾桶脏污满冒。, photos: [现场.jpg],"
    ' place: {lng: 103.05, lat: 40.41}, area: "02"}}\n'
)
TAKE = (
    "  - {0}step: accept, as: 东街道派遣员, outcome: 受理,"
    " answers: {{matter: 政策咨询, main_unit: 甲社区{1}}}{2}}}\n"
)
MATTER = "  - start: {by: 居民甲, form: {title: 问政策, content: 怎样办理低保。, matter: 政策咨询}}\n"
RATED = (
    TAKE.format("complete: {", "", "")
    + "  - complete: {step: handle, as: 甲社区社工, outcome: 办结, answers: {result: 已当面解答。}}\n"
    "  - complete: {step: check, as: 审核员甲, outcome: 通过}\n"
    "  - do: {verb: rate, as: 居民甲, answers: {stars: 2, satisfied: 基本满意}}\n"
)
EDITS = {
    "a limit": (
        "snap_report", "sla.yaml", "stop: task.done(review), limit: PT8WH", "stop: task.done(review), limit: P3D",
        SNAP + "  - expect: {clocks: {review: 2026-03-05T09:00+08:00}}\n",
    ),
    "a limit in a table": (
        "quick_response", "decisions/limits.dmn", "P2WD", "P4WD",
        MATTER + "  - expect: {clocks: {total: 2026-03-06T09:00+08:00}}\n",
    ),
    "the role of a lane": (
        "quick_response", "process.yaml", "role(dispatcher)@street", "role(dispatcher)@district",
        MATTER + "  - expect: {tasks: [accept@示范区]}\n",
    ),
    "a field of a form": (
        "quick_response", "forms/accept.yaml", "{name: demand}", "{name: demand, required: true}",
        MATTER + TAKE.format("refused: {verb: complete, ", "", ", problem: required")
        + TAKE.format("complete: {", ", demand: 三天内答复", ""),
    ),
    "a choice that a form offers": (
        "snap_report", "process.yaml", "of: [不在受理范围,", "of: [不在本区,",
        SNAP + "  - complete: {step: review, as: 派遣员甲, outcome: 不受理, answers: {decline_why: 不在本区,"
        " decline_note: 已转告}, opinion: 不在本区}\n  - expect: {ended: true, end: declined}\n",
    ),
    "a branch": (
        "quick_response", "process.bpmn", "stars &lt;= 2 or", "stars &lt;= 1 or",
        MATTER + RATED + "  - expect: {ended: true, status: 已评价}\n",
    ),
}  # fmt: skip


def failed(folder: Path) -> str | None:
    """Why the scenario does not hold, or why the folder is not published."""
    try:
        return walked(folder, "edited")[0][0].failed
    except ProcessRefused as refused:
        return str(refused.errors)


@pytest.fixture
def house(sqlite: object) -> None:
    """On one database: what an edit does is said by the bundle, not by rows."""
    worlds.wired()
    with db.transaction() as session:
        worlds.settle(session)
        worlds.categorise(session)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("what", EDITS)
def test_an_edited_bundle_does_what_the_edit_says(tmp_path: Path, what: str):
    key, file, old, new, steps = EDITS[what]
    folder = tmp_path / key
    shutil.copytree(BPMN / key, folder)
    shutil.copytree(BPMN / "_categories", tmp_path / "_categories")
    shutil.copy(BPMN / "_org.yaml", tmp_path)
    (folder / "scenarios" / "edited.yaml").write_text(HEAD + steps, "utf-8")
    before = failed(folder)

    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")

    assert before is not None, "the scenario says nothing of the edit"
    assert failed(folder) is None
