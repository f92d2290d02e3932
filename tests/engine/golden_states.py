"""The corpus of old states: `tests/golden/states/<format>/<bundle>/`, written by every release, never edited.

A bundle's folder holds `process.bpmn` (and `called/<key>.bpmn`, what it calls), and for each step `<step>.bin` (the state) and `<step>.json` (the
instant, the data and the Picture expected). `python -m tests.engine.golden_states` writes what is missing for
the current format and leaves everything that is there untouched.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from app.engine import state
from app.engine.parser import parse
from app.engine.picture import Picture
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing, marker

ROOT = Path(__file__).parent.parent / "golden" / "states"


@dataclass(frozen=True)
class Golden:
    """One old state with its bundle."""

    folder: Path
    step: str

    @property
    def format(self) -> str:
        """The format number of its time."""
        return self.folder.parent.name

    @property
    def name(self) -> str:
        """format/bundle/step."""
        return f"{self.format}/{self.folder.name}/{self.step}"

    @property
    def bytes(self) -> bytes:
        """The state."""
        return (self.folder / f"{self.step}.bin").read_bytes()

    @property
    def told(self) -> dict[str, Any]:
        """Version, instant, data and Picture as stored."""
        found: dict[str, Any] = orjson.loads((self.folder / f"{self.step}.json").read_bytes())
        return found

    @property
    def expected(self) -> Any:
        """The Picture it must still settle to."""
        return self.told["picture"]

    def version(self) -> Version:
        """Its diagram, parsed by today's code."""
        return _version(self.folder, self.told["version"])

    def env(self) -> Bench:
        """The environment of its time."""
        return Bench(now=datetime.fromisoformat(self.told["now"]), data=self.told["data"])

    @staticmethod
    def described(picture: Picture) -> Any:
        """A Picture as JSON holds it; what lies in no called process does not say so."""
        told = orjson.loads(orjson.dumps(_plain(asdict(picture))))
        for each in told["tasks"] + told["waits"]:
            if not each["within"]:
                del each["within"]
        return told


def _plain(value: Any) -> Any:
    if isinstance(value, dict) or hasattr(value, "items"):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


@lru_cache
def _version(folder: Path, version: str) -> Version:
    keys = {path.stem: path.stem for path in sorted(folder.glob("called/*.bpmn"))}

    @lru_cache
    def find(key: str) -> Version:
        return parse(Source(key, key, (folder / "called" / f"{key}.bpmn").read_bytes(), keys), find)

    return parse(Source(version, folder.name, (folder / "process.bpmn").read_bytes(), keys), find)


def every_golden_state() -> list[Golden]:
    """The whole corpus."""
    return [Golden(path.parent, path.stem) for path in sorted(ROOT.glob("*/*/*.bin"))]


class Writer:
    """Keeps the states of one walk; a step written once is never written again."""

    def __init__(self, bundle: str, drawing: Drawing, env: Bench, **called: Drawing) -> None:
        self.folder = ROOT / str(state.FORMAT) / bundle
        self.folder.mkdir(parents=True, exist_ok=True)
        diagram = self.folder / "process.bpmn"
        if not diagram.exists():
            diagram.write_bytes(drawing.bytes())
        for key, inner in called.items():
            path = self.folder / "called" / f"{key}.bpmn"
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                path.write_bytes(inner.bytes())
        self.case = Case(drawing, env, _version(self.folder, "c" * 64))

    def keep(self, step: str) -> None:
        """Writes the state as it is now under the name of a step."""
        if (self.folder / f"{step}.bin").exists():
            return
        told = {
            "version": self.case.version.version,
            "now": self.case.env.now.isoformat(),
            "data": self.case.env.data,
            "picture": Golden.described(self.case.picture),
        }
        (self.folder / f"{step}.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
        (self.folder / f"{step}.bin").write_bytes(self.case.state)


def write() -> None:
    """Walks the corpus's diagrams and keeps a state at each interesting place."""
    order = Writer("order", order_like(), Bench(data={"level": 2, "handler": "u1"}))
    order.keep("sign")
    order.case.do("sign", "退回")
    order.keep("second_round")
    order.case.do("dispatch")
    order.case.do("sign", "签收")
    order.keep("both_branches")
    order.case.do("visit")
    order.keep("one_at_the_join")
    order.case.env.pass_time(days=3)
    order.case.fire("daily")
    order.keep("cycle_fired")
    order.case.fire("remind")
    order.keep("side_branch")
    order.case.do("reply")
    order.keep("review")
    order.case.fire("late")
    order.keep("after_interruption")
    order.case.do("escalate")
    order.keep("only_the_side_branch_is_left")

    loops = Writer("joins_in_loops", joins_in_loops(), Bench())
    for turn in ("first", "second"):
        loops.case.do("a")
        loops.keep(f"{turn}_turn")
        loops.case.do("b")
        loops.case.do("check", "再来")

    signed = Writer(
        "signing", signing(), Bench(data={"units": ["城管委", "街道", "水务局"], "chair": "街道"})
    )
    signed.keep("all_open")
    signed.case.do("sign", "不同意")
    signed.keep("one_refused")
    signed.case.wake().add_instance(signed.case.picture.tasks[0].ref, "住建委", "before")
    signed.case.keep()
    signed.keep("one_added_before")
    signed.case.do("sign", "同意")
    signed.case.wake().drop_instance(signed.case.picture.task("sign").ref)
    signed.case.keep()
    signed.case.do("sign", "同意")
    signed.keep("one_after_the_other")
    signed.case.do("read")
    signed.keep("the_second_reads")
    repeated = Writer("repeats", repeats(), Bench(data={"units": ["城管委", "街道"]}))
    repeated.keep("both_open")
    repeated.case.do("sign", "退回")
    repeated.keep("one_turned_down")
    repeated.case.do("sign", "签收")
    repeated.keep("one_handles")
    repeated.case.do("handle")
    repeated.keep("one_is_done")
    write_elements()

    ended = Writer("ended", Drawing().start().task("a").end().line("start", "a", "end"), Bench())
    ended.keep("open")
    ended.case.do("a")
    ended.keep("ended")


def write_elements() -> None:
    """Every element with a state of its own, at rest in each of them."""
    joint = Writer(
        "elements", joint_action(), Bench(data={"urgent": None, "wanted": ["a", "b"]}), visit=a_visit()
    )
    joint.keep("inclusive_branches")
    joint.case.do("a")
    joint.keep("inclusive_join_waits")
    joint.case.do("b")
    joint.keep("inside_the_sub_process")
    joint.case.deliver("news")
    joint.keep("message_came_once")
    joint.case.do("ask")
    joint.keep("event_gateway_in_the_sub_process")
    joint.case.deliver("reply")
    joint.keep("escalated")
    joint.case.do("site")
    joint.keep("inside_the_call")
    joint.case.do("go", "再来")
    joint.case.env.write({"urgent": True})
    joint.case.wake()
    joint.case.keep()
    joint.keep("condition_has_fired")
    joint.case.do("go", "好")
    joint.keep("pause_in_the_line")


def a_visit() -> Drawing:
    """What joint_action calls."""
    drawing = Drawing("visit").start().either("m").task("go", outcomes="好, 再来", status="走访中").end()
    drawing.either("g", default="ok").line("start", "m", "go", "g").flow("g", "m", 'outcome == "再来"')
    return drawing.flow("g", "end", name="ok")


def joint_action() -> Drawing:
    """Inclusive split and join → sub-process (event gateway, escalation, edges) → call → a pause."""
    inner = (
        Drawing().start("s").task("ask", status="问询").node("eventBasedGateway", "race").end("e").end("e3")
    )
    inner.declare("message", "answer", "more").declare("signal", "halt").declare("escalation", "hey")
    inner.catch("reply", "message", "answer").catch("halted", "signal", "halt").catch("late", "timer", "P2D")
    inner.throw("up", "escalation", "hey").task("site", status="现场").line(
        "s", "ask", "race", "reply", "up", "site", "e"
    )
    inner.line("race", "halted", "e3").line("race", "late", "e3")
    drawing = (
        Drawing().start().node("inclusiveGateway", "which", 'default="none"').node("inclusiveGateway", "all")
    )
    drawing.task("a").task("b").line("start", "which").flow("which", "a", 'has(wanted, "a")')
    drawing.flow("which", "b", 'has(wanted, "b")').flow("which", "all", name="none").line("a", "all").line(
        "b", "all"
    )
    drawing.inside("joint", inner).edge("news", "joint", "message", "more", interrupting=False)
    drawing.edge("chief", "joint", "escalation", "hey", interrupting=False).timer("over", "joint", "P9D")
    drawing.task("note").task("decide").end("noted").end("decided").line("news", "note", "noted")
    drawing.line("chief", "decide", "decided").node("callActivity", "call", 'calledElement="visit"')
    drawing.edge("rush", "call", "conditional", "urgent", interrupting=False).task("hurry").end("hurried")
    drawing.line("rush", "hurry", "hurried").catch("pause", "timer", "P3D").end().line("over", "end")
    return drawing.line("all", "joint", "call", "pause", "end")


def order_like() -> Drawing:
    """Everything that is opened, in one diagram."""
    drawing = Drawing().start().lanes({"派遣员": ["dispatch"], "承办单位": ["sign", "visit", "reply"]})
    drawing.task("sign", outcomes="签收, 退回!", status="待签收", clock="sign").either("gate", default="on")
    drawing.task("dispatch", status="待派遣").either("work").both("split").both("join")
    drawing.task("visit", 'camunda:formKey="visit"', status="办理中")
    drawing.task("reply", 'camunda:priority="${level * 10}" camunda:assignee="${handler}"', status="办理中")
    drawing.timer("daily", "reply", "R5/P1D", "timeCycle", interrupting=False)
    drawing.timer("remind", "reply", "PT24H", interrupting=False).task("urge").end("urged")
    drawing.task("review", outcomes="通过, 驳回!", status="待审核", clock="resolve").either(
        "again", default="pass"
    )
    drawing.timer("late", "review", '${tier("resolve", "m6")}', "timeDate").task("escalate", status="已升级")
    drawing.end("closed", status="已归档", closeReason="solved").end("noted")
    drawing.line("start", "sign", "gate").flow("gate", "dispatch", 'outcome == "退回"').line(
        "dispatch", "sign"
    )
    drawing.flow("gate", "work", name="on").line("work", "split", "visit", "join").line(
        "split", "reply", "join"
    )
    drawing.line("join", "review", "again").flow("again", "work", 'outcome == "驳回"', order="1")
    drawing.flow("again", "closed", name="pass").line("late", "escalate", "closed")
    return drawing.line("daily", "noted").line("remind", "urge", "urged")


def signing() -> Drawing:
    """Signers side by side, then readers one after the other."""
    drawing = Drawing().start().signing("sign", outcomes="同意, 不同意!", vote="ratio:0.6", status="会签中")
    drawing.timer("late", "sign", "P3D").either("on").end()
    drawing.signing(
        "read", sequential=True, item="unit", attributes='camunda:priority="${90 if unit == chair else 10}"'
    )
    return drawing.line("start", "sign", "on", "read", "end").line("late", "on")


def repeats() -> Drawing:
    """For each unit: sign until it is taken, then handle."""
    inner = Drawing().start("s").either("in").task("sign", outcomes="签收, 退回!", status="待签收").end("e")
    inner.either("gate", default="part_on").task("handle", 'camunda:assignee="${unit}"', status="办理中")
    inner.line("s", "in", "sign", "gate").flow("gate", "in", 'outcome == "退回"')
    inner.flow("gate", "handle", name="part_on").line("handle", "e")
    drawing = (
        Drawing().start().inside("part", inner, marker(item="unit")).task("close", status="待归档").end()
    )
    return drawing.line("start", "part", "close", "end")


def joins_in_loops() -> Drawing:
    """A join that is passed again and again."""
    drawing = Drawing().start().either("entry").both("split").task("a").task("b").both("join").end()
    drawing.task("check", outcomes="好, 再来").either("gate", default="out").line(
        "start", "entry", "split", "a", "join"
    )
    drawing.line("split", "b", "join", "check", "gate").flow("gate", "entry", 'outcome == "再来"')
    return drawing.flow("gate", "end", name="out")


if __name__ == "__main__":
    write()
