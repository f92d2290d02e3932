"""What residents do with what is shown, as scenarios of a bundle tell it."""

from pathlib import Path

import pytest

from app.processes.check import check_folder
from tests.processes.conftest import district
from tests.processes.test_scenarios import walked
from tests.publications.conftest import showing
from tests.world import BPMN

assert district

SCENARIO = """name: 活动从公示到办结
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 甲社区社工, form: {title: 重阳敬老, place_unit: 甲社区}}
  - complete: {step: write, as: 甲社区社工, outcome: 发布, answers: {content: 吃面, kind: 敬老, seats: 2}}
  - do: {verb: see, as: 居民甲, shows: {类别: 敬老, state: open, signUp: 报名中}}
  - refused: {verb: see, as: 居民丙, problem: not-found}
  - do: {verb: signUp, as: 居民甲, publication: 活动, companions: 1}
  - refused: {verb: signUp, as: 居民乙, problem: seats-taken}
  - refused: {verb: setSeats, as: 甲社区社工, seats: 1, reason: 场地小, problem: seats-below-taken}
  - do: {verb: setSeats, as: 甲社区社工, seats: 3, reason: 换了场地}
  - do: {verb: signUp, as: 居民乙}
  - do: {verb: see, as: 居民乙, shows: {signUp: 报满}}
  - do: {verb: cancelSignUp, as: 居民乙}
  - do: {verb: checkIn, as: 甲社区社工, person: 居民甲}
  - do: {verb: like, as: 居民甲}
  - do: {verb: comment, as: 居民乙, text: 很好}
  - do: {verb: hideComment, as: 甲社区社工, reason: 与主题无关}
  - do: {verb: showComment, as: 甲社区社工}
  - do: {verb: star, as: 居民甲, stars: {活动内容: 5, 活动安排: 4}}
  - do: {verb: book, as: 居民甲, text: 想当志愿者}
  - do: {verb: answerBooking, as: 甲社区社工, accepted: true, text: 请到社区}
  - complete: {step: run, as: 甲社区社工, outcome: 清点}
  - expect: {data: {likes: 1, comments: 1, signedUp: 2, checkedIn: 2, stars: 4.5}}
  - complete: {step: run, as: 甲社区社工, outcome: 下架}
  - refused: {verb: like, as: 居民甲, problem: not-found}
  - complete: {step: run, as: 甲社区社工, outcome: 办结}
  - expect: {ended: true}
"""


@pytest.mark.usefixtures("district")
def test_residents_act_in_scenarios(tmp_path: Path) -> None:
    folder = tmp_path / "showing"
    for name, content in {**showing().files, "scenarios/1.yaml": SCENARIO.encode()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "_org.yaml").write_bytes((BPMN / "_org.yaml").read_bytes())

    assert [each.told for each in check_folder(folder).findings if each.level == "error"] == []
    ((walk,), _) = walked(folder)

    assert walk.failed is None, walk.lines[-3:]
    drawn = folder / "process.bpmn"
    drawn.write_text(drawn.read_text("utf-8").replace(">公示<", ">公告<", 1), "utf-8")
    assert [each.rule for each in check_folder(folder).findings if each.level == "error"] == [
        "publication-unknown"
    ]
