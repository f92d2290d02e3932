"""A district with residents, and a small process that asks them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.cases import firing
from app.core import config, db
from app.core.clock import BEIJING
from app.polls.models import polls
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World

ONE, TWO, THREE, ELSEWHERE = "jumin1", "jumin2", "jumin3", "jumin4"
"""ONE and TWO belong to 甲社区, TWO and THREE to 乙社区, ELSEWHERE to another street."""
WORKER = "jia1"
COMMUNITY = "d1-s1-c1"
WORKERS = 'camunda:candidateGroups="role(worker)@community"'
GIVES = ("result", "eligible", "voted", "quorumMet", "agreed", "against", "abstained", "counts")
DATA = """matters: {type: list, of: text, label: 表决事项}, ends: {type: datetime, label: 截止时间},
  poll: {type: text, label: 投票}, eligible: {type: int, label: 应投人数}, result: {type: text, label: 结果},
  voted: {type: int, label: 参加人数}, quorumMet: {type: bool, label: 够法定人数},
  agreed: {type: int, label: 赞成}, against: {type: int, label: 反对}, abstained: {type: int, label: 弃权},
  counts: {type: list, of: text, label: 计票}"""


def asking(**inputs: str) -> worlds.BundleFiles:
    """A worker writes the matters, the residents vote until `ends`, and the worker sees the result."""
    drawing = Drawing("asking").start().task("set", WORKERS + ' camunda:formKey="set"', outcomes="公布")
    given = {"name": "vote", "matters": "${matters}", "until": "${ends}", **inputs}
    drawing.service("open", "polls.open", given, {"poll": "poll", "eligible": "eligible"})
    drawing.node(
        "intermediateCatchEvent",
        "over",
        inner="<timerEventDefinition><timeDate>${ends}</timeDate></timerEventDefinition>",
    )
    drawing.service("close", "polls.close", {"name": "vote"}, {name: name for name in GIVES})
    drawing.task("publish", WORKERS, outcomes="公示,重新表决").end()
    drawing.line("start", "set", "open", "over", "close", "publish", "end")
    form = "title: 设置\nfields:\n  - {name: matters, required: true}\n  - {name: ends, required: true}\n"
    return worlds.bundle_of("asking", drawing, data=DATA, forms={"set": form})


def code(i: int) -> str:
    """A receipt code; real ones are chosen by chance."""
    return f"code-of-a-voter-{i:08d}"


class Poll:
    """A poll that was opened in 甲社区 by way of its diagram; everybody acts over HTTP."""

    def __init__(
        self,
        database: db.Database,
        *matters: str,
        place: str = COMMUNITY,
        world: World | None = None,
        **inputs: str,
    ) -> None:
        self.world = world or worlds.build(database, asking(**inputs))
        filed = self.world.post_filing(by=WORKER, process="asking", placeUnit=place, answers={}).json
        self.case, self.task = filed["case"]["id"], filed["tasks"][0]
        self.ends = self.world.now() + timedelta(days=3)
        self.answer = self.set_up(list(matters) or ["是否加装电梯"], self.ends)
        found = self.world.rows(polls, case_id=self.case)
        self.id = found[-1]["id"] if found else ""

    def set_up(self, matters: list[str], ends: datetime) -> Any:
        answers = {"matters": matters, "ends": ends.astimezone(BEIJING).isoformat()}
        body = {"outcome": "公布", "answers": answers}
        return self.world.post(WORKER, f"/tasks/{self.task['id']}/complete", body, seen=1)

    def vote(self, who: str, *choices: list[int], number: int | None = None, key: str | None = None) -> Any:
        """`choices` matter by matter; the answer."""
        chosen = [{"matter": place, "options": options} for place, options in enumerate(choices, 1)]
        number = int(who[-1]) if number is None else number
        body = {"choices": chosen, "code": code(number)}
        return self.world.post(who, f"/polls/{self.id}/ballots", body, key=key)

    def seen(self, who: str = WORKER) -> Any:
        answer = self.world.get(who, f"/polls/{self.id}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def close(self) -> Row:
        """Its time is up; the timer fires, and the diagram counts."""
        self.world.wait(days=3, seconds=1)
        firing.fire_due()
        return self.world.case(self.case)["data"]

    def votes(self, who: str = WORKER) -> list[dict[str, int]]:
        """Option → votes, matter by matter."""
        return [
            {option["text"]: option["votes"] for option in matter["options"]}
            for matter in self.seen(who)["matters"]
        ]


@pytest.fixture
def poll(database: db.Database) -> Poll:
    return Poll(database)


@pytest.fixture
def _files(database: db.Database, tmp_path: Path) -> Iterator[None]:
    """A shelf of the test's own."""
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    yield
    config.use(before)
