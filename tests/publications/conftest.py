"""A small process that shows an activity to residents, and everybody acting over HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core import config, db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World

ONE, TWO, THREE, ELSEWHERE = "jumin1", "jumin2", "jumin3", "jumin4"
"""ONE and TWO belong to 甲社区, TWO and THREE to 乙社区, ELSEWHERE to another street."""
WORKER, OTHER_WORKER, WATCHER = "jia1", "ding1", "guancha1"
COMMUNITY = "d1-s1-c1"
WORKERS = 'camunda:candidateGroups="role(worker)@community"'
TALLY = ("likes", "comments", "signedUp", "checkedIn", "raters", "stars", "aspects")
DATA = """kind: {type: choice, of: [敬老, 环保], label: 类别}, seats: {type: int, min: 0, max: 500, label: 名额},
  closes: {type: datetime, label: 报名截止}, venue: {type: point, label: 地点}, photos: {type: files, label: 照片}, plan: {type: files, label: 方案},
  phone: {type: text, format: phone, secret: true, label: 联系电话},
  inner: {type: text, label: 内部意见}, likes: {type: int, label: 赞}, comments: {type: int, label: 评论数},
  signedUp: {type: int, label: 报名人数}, checkedIn: {type: int, label: 签到人数},
  raters: {type: int, label: 评星人数}, stars: {type: decimal, label: 星},
  aspects: {type: list, of: text, label: 各方面}"""
RULE = """publication:
  活动:
    section: 文明实践活动
    fields: [content, kind, place_unit, photos]
    audience: AUDIENCE
    category: kind
    point: venue
    likes: true
    comments: COMMENTS
    ratings: [活动内容, 活动安排]
    ratedBy: RATED_BY
    seats: seats
    until: closes
    bookings: true
    objections: {until: total}
  公示:
    section: 公示栏
    fields: [content]
    audience: everyone
    ended: ENDED
"""
SLA = "clocks:\n  total: {start: case.received, stop: case.closed, limit: P30D}\n"
FORM = """title: 活动
fields:
  - {name: content, required: true}
  - {name: kind, required: true}
  - {name: seats}
  - {name: closes}
  - {name: venue}
  - {name: phone}
  - {name: photos}
  - {name: plan}
"""
CHANGE = FORM.replace(", required: true", "")


def showing(
    audience: str = "members", comments: str = "true", rated_by: str = "everyone", ended: str = "closed"
) -> worlds.BundleFiles:
    """A worker writes an activity, it is shown, the worker runs it: counts, announces, hides or ends it."""
    drawing = Drawing("showing").start().task("write", WORKERS + ' camunda:formKey="write"', outcomes="发布")
    drawing.service("show", "publications.show", {"name": "活动"})
    kinds = "清点,结束报名,下架,公示,办结"
    drawing.task("run", WORKERS + ' camunda:formKey="change"', outcomes=kinds, clock="total")
    drawing.either("which", "onward")
    drawing.service("tally", "publications.tally", {"name": "活动"}, {name: name for name in TALLY})
    drawing.service("close", "publications.close", {"name": "活动"})
    drawing.service("hide", "publications.hide", {"name": "活动", "reason": "活动取消"})
    drawing.service("announce", "publications.show", {"name": "公示"})
    drawing.end().line("start", "write", "show", "run", "which")
    for said, then in (("清点", "tally"), ("结束报名", "close"), ("下架", "hide"), ("公示", "announce")):
        drawing.flow("which", then, when=f'outcome("run") == "{said}"').line(then, "run")
    drawing.flow("which", "end", name="onward")
    rule = RULE.replace("AUDIENCE", audience).replace("COMMENTS", comments)
    rule = rule.replace("RATED_BY", rated_by).replace("ENDED", ended)
    forms = {"write": FORM, "change": CHANGE}
    return worlds.bundle_of("showing", drawing, data=DATA, forms=forms, more=rule, sla=SLA)


class Activity:
    """An activity of 甲社区 that was shown by way of its diagram."""

    def __init__(
        self,
        database: db.Database,
        *,
        world: World | None = None,
        place: str = COMMUNITY,
        title: str = "重阳敬老",
        answers: Row | None = None,
        **said: str,
    ) -> None:
        self.world = world or worlds.build(database, showing(**said))
        body = {"process": "showing", "placeUnit": place, "title": title, "answers": {}}
        filed = self.world.post_filing(by=WORKER, **body).json
        self.case, task = filed["case"]["id"], filed["tasks"][0]
        asked = {"content": "请老人吃面。", "kind": "敬老", "seats": 3, **(answers or {})}
        done = self._complete(task, "发布", asked)
        self.task = done["next"][0]
        self.id = next(each["id"] for each in self.listed() if each["case"] == self.case)

    def _complete(self, task: Row, outcome: str, answers: Row) -> Row:
        body = {"outcome": outcome, "answers": answers}
        told = self.world.post(WORKER, f"/tasks/{task['id']}/complete", body, seen=task["revision"])
        assert told.status_code == 200, told.json
        return told.json

    def listed(self, who: str = WORKER, query: str = "") -> list[Row]:
        answer = self.world.get(who, f"/publications{query}")
        assert answer.status_code == 200, answer.json
        return answer.json["items"]

    def go(self, outcome: str, **answers: Any) -> None:
        """The worker goes on."""
        self.task = next(iter(self._complete(self.task, outcome, answers)["next"]), None)

    def seen(self, who: str = ONE) -> Row:
        answer = self.world.get(who, f"/publications/{self.id}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def post(self, who: str, act: str, body: Row | None = None, key: str | None = None) -> Any:
        return self.world.post(who, f"/publications/{self.id}/{act}", body or {}, key=key)

    def data(self) -> Row:
        return self.world.case(self.case)["data"]


@pytest.fixture
def activity(database: db.Database) -> Activity:
    return Activity(database)


@pytest.fixture
def files(database: db.Database, tmp_path: Path) -> Iterator[None]:
    """A shelf of the test's own."""
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    yield
    config.use(before)
