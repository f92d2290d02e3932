"""The district's grid centre, played: it takes reports, tells of each stage, and closes, refuses or returns.

What becomes of a report follows from the seed, its number and how often it came; what was done, from the
journal: killed and started again it goes on where it was, with the same message ids.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.clock import BEIJING
from app.demo.chance import chance
from app.demo.city import REFUSED, Journal, Letter, Send, taken
from app.exchange.connectors.grid import ACCEPTED, MAP

UNITS = ("市政养护所", "绿化所", "环卫所", "城管中队", "水务站")
REFUSALS = ("照片看不清，请补拍。", "不属于网格处置范围，请联系物业。", "位置不明，请写明门牌。")
WORK = ("已派人到场处置，现场恢复原状。", "已整改并复查。", "已修复，明确了后续养护。")


@dataclass(frozen=True)
class Step:
    """One thing that the district is told: which message, and what it says in our own words."""

    message: str
    said: Mapping[str, Any]


@dataclass
class Report:
    """One report as the grid centre keeps it: `steps` of it have been told."""

    id: str
    number: str
    title: str
    at: float
    nth: int
    told: int = 0


def course(seed: str, number: str, nth: int) -> Sequence[Step]:
    """What becomes of the `nth` report (from 0) of a number: three in four are closed, the rest refused or
    returned; one that comes again is always dealt with.
    """
    dice = chance(seed, "grid", number, nth)
    fate, known = (dice.random() if nth == 0 else 1.0), {"gridNo": f"WG-{number}-{nth + 1}"}
    if fate < 0.12:
        why = {"stage": "不予立案", "reason": dice.choice(REFUSALS)}
        return [Step("grid.status", {"stage": "受理"}), Step("grid.rejected", why)]
    unit = {**known, "unit": dice.choice(UNITS)}
    begun = [Step("grid.status", {"stage": "受理"}), Step("grid.status", {"stage": "立案", **known})]
    if fate < 0.25:
        return [*begun, Step("grid.rejected", {"stage": "退回", "reason": "需居村委先行协调。"})]
    stages = ["派遣", "处置", *(["督办"] if dice.random() < 0.2 else []), "核查"]
    going = [Step("grid.status", {"stage": stage, **unit}) for stage in stages]
    return [*begun, *going, Step("grid.result", {"stage": "结案", **unit, "result": dice.choice(WORK)})]


class Grid:
    """The centre. `look` tells what is due, `take` takes what the district reports."""

    def __init__(self, seed: str, pace: float, journal: Journal, send: Send) -> None:
        self.seed, self.pace, self.journal, self.send = seed, pace, journal, send
        self.reports: dict[str, Report] = {}
        self._at_work = threading.RLock()
        self._writing = threading.RLock()
        for entry in journal.entries():
            self._follow(entry)

    def look(self, now: float, *, hurry: bool = False) -> int:
        """Tells the next stage of each report whose time has come (`hurry`: of every one); how many."""
        with self._at_work:
            return sum(self._tell(report, now, hurry) for report in list(self.reports.values()))

    def take(self, letter: Mapping[str, Any], now: float) -> Letter:
        """One report; the same one again is told the same and begins nothing anew."""
        message_id, data = letter.get("messageId"), letter.get("data")
        if not isinstance(message_id, str) or not isinstance(data, Mapping):
            return {"code": REFUSED, "message": "报文缺少 messageId 或 data"}
        number, title = data.get("wtbh"), data.get("wtbt")
        if not isinstance(number, str) or not number:
            return {"code": REFUSED, "message": "报文缺少问题编号 wtbh"}
        with self._writing:
            if message_id not in self.reports:
                self._happened("reported", now, id=message_id, number=number, title=str(title or ""))
        return {"code": ACCEPTED, "data": {"wtbh": number}}

    def page(self) -> str:
        """What a person reads who looks at the played centre."""
        known = sorted(self.reports.values(), key=lambda each: each.at, reverse=True)[:20]
        lines = [f"{each.number}  {each.title}  {self._where(each)}" for each in known]
        head = f"区网格中心（模拟）\n收到上报 {len(self.reports)} 件。\n"
        buttons = (
            "按钮：POST /hurry 每一件马上往下走一步；\n"
            'POST /behave {"next": ["500", "slow:3", "refuse:编号不存在"]} 接下来几次怎样应答。\n'
        )
        return head + "".join(f"{line}\n" for line in lines) + buttons

    def _where(self, report: Report) -> str:
        steps = course(self.seed, report.number, report.nth)
        return str(steps[report.told - 1].said["stage"]) if report.told else "待受理"

    def _tell(self, report: Report, now: float, hurry: bool) -> bool:
        steps = course(self.seed, report.number, report.nth)
        if report.told >= len(steps) or not (hurry or now >= report.at + self.pace * (report.told + 1)):
            return False
        step = steps[report.told]
        said = dict(step.said)
        if step.message == "grid.result":
            said["closedAt"] = datetime.fromtimestamp(now, BEIJING).isoformat(timespec="seconds")
        letter = {
            "name": step.message,
            "correlationKey": report.number,
            "messageId": f"{report.id}-{report.told + 1}",
            "data": MAP.theirs(said),
        }
        status, answer = self.send(letter)
        took = taken(status, answer)
        if took is None:  # the same message comes again at the next look
            return False
        why = {} if took else {"status": status, "why": answer.get("detail")}
        self._happened("told", now, id=report.id, message=step.message, took=took, **why)
        return True

    def _happened(self, kind: str, now: float, **what: Any) -> None:
        entry = {"kind": kind, "at": now, **what}
        with self._writing:
            self.journal.keep(entry)
            self._follow(entry)

    def _follow(self, entry: Mapping[str, Any]) -> None:
        if entry["kind"] == "reported":
            number = entry["number"]
            nth = sum(each.number == number for each in self.reports.values())
            self.reports[entry["id"]] = Report(entry["id"], number, entry["title"], entry["at"], nth)
        elif entry["kind"] == "told":
            self.reports[entry["id"]].told += 1
