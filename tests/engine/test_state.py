"""The bytes of a case: equal for equal runs, refused when damaged, readable for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import orjson
import pytest

from app.engine import state
from app.engine.errors import FuseBlown, StateUnreadable, StateUnwritable, WrongVersion
from app.engine.run import Run
from app.engine.version import Version
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.golden_states import every_golden_state
from tests.engine.graph_drawing import AGAIN, GOOD, drawing_of
from tests.engine.random_diagrams import random_graph
from tests.engine.test_shape import dispatch_sign_return, three_branches_in_a_loop


def halfway() -> Case:
    case = Case(three_branches_in_a_loop())
    case.do("a")
    return case


def edited(data: bytes, edit: Callable[[list[Any]], object]) -> bytes:
    """The same state with its JSON changed and the checksum made good again."""
    body = orjson.loads(data[2:-4])
    edit(body)
    head = data[:2] + orjson.dumps(body)
    return head + crc32(head).to_bytes(4, "big")


def test_state_is_bytes_and_key_order_cannot_harm_it():
    case = Case(dispatch_sign_return())
    case.do("dispatch")
    assert isinstance(case.state, bytes)

    def turn_round(body: list[Any]) -> None:
        body[2] = dict(reversed(body[2].items()))
        for row in body[6]:
            if isinstance(row[5], dict):
                row[5] = dict(reversed(row[5].items()))

    turned = Run.load(edited(case.state, turn_round), case.version, case.env)

    assert turned.settle() == case.picture
    assert turned.dump() == case.state


def test_equal_runs_give_equal_bytes():
    for seed in range(20):
        states = []
        for _ in range(2):
            random = Random(seed)
            case = Case(drawing_of(random_graph(random)))
            for _ in range(8):
                if case.picture.ended:
                    break
                case.wander(random, GOOD, AGAIN)
            states.append(case.state)
        assert states[0] == states[1]


def test_loading_and_dumping_gives_the_same_bytes():
    case = halfway()
    assert case.wake().dump() == case.state


def test_a_resting_case_is_well_under_two_kilobytes():
    assert len(halfway().state) < 600


def test_a_truncated_or_flipped_byte_is_an_incident_not_a_crash():
    case = halfway()
    whole = case.state
    damaged = [whole[:length] for length in range(len(whole))]
    for at in range(len(whole)):
        damaged += [whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :] for bit in (1, 64)]
    damaged += [whole + b"x", b"", b"\x00" * 40, b"null", b"\x01\x01" + b"x" * 30]

    for data in damaged:
        with pytest.raises(StateUnreadable):
            Run.load(data, case.version, case.env)


def add(*row: object) -> Callable[[list[Any]], object]:
    return lambda body: body[6].append(list(row))


def put(place: int, value: object) -> Callable[[list[Any]], object]:
    return lambda body: body.__setitem__(place, value)


@pytest.mark.parametrize(
    "edit",
    [
        add(99, 0, "nowhere", 1, "", {"r": 1}),
        add(99, 50, "b", 1, "", {"r": 1}),
        add(99, -1, "b", 1, "", {"r": 1}),
        add(99, 1, "b", 1, "", {"r": 1}),
        add(99, 0, "b", 7, "", {"r": 1}),
        add(99, 0, "b", 0, "", {"r": 1}),
        add(99, 0, "b", 1, "", 0),
        add(99, 0, "b", 1, "", "text"),
        lambda body: body[6][0].__setitem__(5, 7),
        add(99, 0, "b", 1, 5, {"r": 1}),
        add(99, 0, "join", 0, "", {}),
        add(99, 0, "join", 0, "", {"v": "check"}),
        add(99, 0, "end", 1, "", 0),
        add(1, 0, "b", 1, "", {"r": 1}),
        add(201, 0, "b", 1, "", {"r": 1}),
        add(0, 0, "b", 1, "", {"r": 1}),
        add("99", 0, "b", 1, "", {"r": 1}),
        add(True, 0, "b", 1, "", {"r": 1}),
        add(99, "0", "b", 1, "", {"r": 1}),
        add(["x"], 0, "b", 1, "", {"r": 1}),
        add(99, 0, "b", 1, ""),
        lambda body: body[6].append("row"),
        lambda body: body[6].extend([n, 0, "b", 1, "", {"r": 1}] for n in range(3_000, 5_001)),
        lambda body: body[6].clear(),
        lambda body: body[6].pop(0),
        put(1, "7"),
        put(2, []),
        put(4, "nowhere"),
        put(5, 9),
        lambda body: body.pop(),
    ],
)
def test_a_state_nobody_could_have_written_is_refused(edit: Callable[[list[Any]], object]):
    case = halfway()

    def more_room(body: list[Any]) -> None:
        body[1] = 200

    roomy = edited(case.state, more_room)
    assert Run.load(roomy, case.version, case.env).settle() == case.picture

    with pytest.raises(StateUnreadable):
        Run.load(edited(roomy, edit), case.version, case.env)


def test_a_state_of_another_version_is_refused():
    case = halfway()
    other = replace(case.version, version="b" * 64)

    with pytest.raises(WrongVersion):
        Run.load(case.state, other, case.env)


def test_an_unknown_format_is_refused():
    case = halfway()
    head = b"\x63" + case.state[1:-4]
    with pytest.raises(StateUnreadable, match="99"):
        Run.load(head + crc32(head).to_bytes(4, "big"), case.version, case.env)


def test_loading_never_evaluates_an_expression():
    drawing = (
        Drawing().start().task("a", 'camunda:priority="${level}" camunda:assignee="${handler}"')
        .timer("t", "a", '${workdays(3)}', "timeDate").either("g", default="on").end()
        .line("start", "a", "g").line("t", "end").flow("g", "a", "level > 5").flow("g", "end", name="on")
    )  # fmt: skip
    asked: list[str] = []

    class Watching(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(key)
            return {"level": 7, "handler": "u1"}.get(key)

    def workdays(_: int) -> str:
        asked.append("workdays")
        return "2026-03-05T01:00:00+00:00"

    case = Case(drawing, Bench(data=Watching(), functions={"workdays": workdays}))
    assert "workdays" in asked
    asked.clear()

    case.wake()

    assert asked == []
    case.run.settle()
    assert "workdays" not in asked  # a timer is read once, when its step opens


def test_a_form_value_named_typename_is_just_text():
    data = {"typename": "UUID", "value": "x", "form": {"typename": "x"}}
    case = Case(dispatch_sign_return(), Bench(data=data))
    case.do("dispatch")

    assert b"typename" not in case.state
    assert case.wake().settle() == case.picture


@pytest.mark.parametrize(
    "value",
    [
        *(Decimal("1"), date(2026, 1, 1), b"x", (1, 2), {1: "x"}, float("nan"), float("inf"), {1, 2}),
        *([Decimal(1)], 2**70),
    ],
)
def test_the_codec_refuses_what_json_cannot_hold(value: object):
    case = halfway()
    run = case.wake()
    run._net.task_tree.internal_data = {"x": value}

    with pytest.raises(StateUnwritable):
        run.dump()


def test_a_large_state_is_packed_and_an_enormous_one_refused(monkeypatch: pytest.MonkeyPatch):
    case = halfway()
    run = case.wake()
    run._net.task_tree.internal_data = {"x": "办" * 2_000}

    packed = run.dump()

    assert packed[1] == state.ZIPPED
    assert len(packed) < 700
    assert Run.load(packed, case.version, case.env).settle() == case.picture
    monkeypatch.setattr(state, "MAX_BYTES", 4_000)
    with pytest.raises(FuseBlown):
        run.dump()
    with pytest.raises(StateUnreadable):  # a bomb: small packed, large unpacked
        Run.load(packed, case.version, case.env)


def test_two_threads_dump_at_once():
    def walk(seed: int) -> list[bytes]:
        case = Case(three_branches_in_a_loop(), version=version)
        states = []
        for step in Random(seed).sample("abc", 3):
            case.do(step)
            states.append(case.state)
        case.do("check", "好")
        return [*states, case.state]

    version = Case(three_branches_in_a_loop()).version
    alone = [walk(seed) for seed in range(40)]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(walk, range(40)))

    assert together == alone


@pytest.mark.parametrize("golden", every_golden_state(), ids=lambda golden: golden.name)
def test_every_old_state_loads_and_finishes(golden: Any):
    version: Version = golden.version()
    env = golden.env()

    run = Run.load(golden.bytes, version, env)
    picture = run.settle()
    assert golden.described(picture) == golden.expected

    for _ in range(60):
        if picture.ended:
            break
        run = Run.load(run.dump(), version, env)
        if picture.tasks:
            run.complete(picture.tasks[-1].ref, picture.tasks[-1].outcomes[0].name)
        else:  # what may come again and again ends nothing
            wait = next(each for each in picture.waits if each.interrupting is not False)
            if wait.kind == "timer":
                run.fire_timers([wait.ref])
            elif wait.kind == "condition":
                env.write({name: True for name, value in env.data.items() if value is None})
            else:
                run.deliver(wait.ref)
        picture = run.settle()
    assert picture.ended
    assert run.finished


def test_there_is_a_golden_state_for_the_format_we_write():
    assert str(state.FORMAT) in {golden.format for golden in every_golden_state()}
    assert Path(__file__).parent.parent.joinpath("golden", "states").is_dir()
