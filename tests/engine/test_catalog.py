"""Versions: parsed once, shared by all threads, and never changed by a case."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from time import sleep

import pytest

from app.engine import catalog
from app.engine.errors import VersionUnknown, VersionUnreadable
from app.engine.source import Source
from tests.engine.conftest import Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.graph_drawing import AGAIN, GOOD, version_of_graph
from tests.engine.random_diagrams import random_graph


@pytest.fixture(autouse=True)
def _an_empty_catalog() -> Iterator[None]:
    before = catalog._loader
    yield
    catalog._loader = before
    catalog._versions.clear()


def small() -> bytes:
    return Drawing().start().task("a").end().line("start", "a", "end").bytes()


def test_eight_threads_parse_once():
    loads: list[str] = []
    barrier = Barrier(8)

    def loader(version: str) -> Source:
        loads.append(version)
        sleep(0.02)
        return Source(version, "demo", small())

    def ask(_: int) -> object:
        barrier.wait()
        return catalog.get("v1")

    catalog.install(loader)
    with ThreadPoolExecutor(8) as pool:
        versions = set(pool.map(ask, range(8)))

    assert len(versions) == 1
    assert loads == ["v1"]


def test_a_slow_version_does_not_hold_up_another():
    order: list[str] = []

    def loader(version: str) -> Source:
        if version == "slow":
            sleep(0.2)
        order.append(version)
        return Source(version, "demo", small())

    catalog.install(loader)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(catalog.get, "slow")
        sleep(0.02)
        pool.submit(catalog.get, "quick").result()
        slow.result()

    assert order == ["quick", "slow"]


def test_the_version_used_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    loads: list[str] = []

    def loader(version: str) -> Source:
        loads.append(version)
        return Source(version, "demo", small())

    monkeypatch.setattr(catalog, "MOST_VERSIONS", 2)
    catalog.install(loader)
    for version in ("a", "b", "a", "c", "a", "b"):
        catalog.get(version)

    assert loads == ["a", "b", "c", "b"]


def test_a_version_that_fails_to_load_is_tried_again():
    answers = [b"<not a diagram", small()]
    catalog.install(lambda version: Source(version, "demo", answers.pop(0)))

    with pytest.raises(VersionUnreadable):
        catalog.get("v1")
    assert catalog.get("v1").step("a").name == "a"


def test_without_a_loader_nothing_is_known():
    catalog._loader = None
    catalog._versions.clear()
    with pytest.raises(VersionUnknown):
        catalog.get("v1")


def test_a_case_never_changes_its_version():
    for seed in range(12):
        random = Random(seed)
        version = version_of_graph(random_graph(random, calls=True, many=True))
        before = version.fingerprint()
        case = Case(Drawing(), version=version)
        for _ in range(15):
            if case.picture.ended:
                break
            if case.picture.waits and random.random() < 0.4:
                case.fire_ref(random.choice(case.picture.waits).ref)
            else:
                case.wander(random, GOOD, AGAIN)
        assert version.fingerprint() == before


def test_called_processes_are_pinned():
    pins = {"side_urge": "b" * 64}
    catalog.install(lambda version: Source(version, "demo", small(), pins))
    version = catalog.get("v1")

    pins["side_urge"] = "c" * 64

    assert version.called == {"side_urge": "b" * 64}
    with pytest.raises(TypeError):
        version.called["side_urge"] = "d"  # type: ignore[index]


def test_a_version_answers_what_cases_ask():
    drawing = (
        Drawing().start(attributes='camunda:formKey="report"').task("a", clock="sign")
        .either("g", default="on")
        .end("done", status="已归档", closeReason="solved").line("start", "a", "g")
        .flow("g", "a", 'outcome == "x"', name="back", label="退回").flow("g", "done", name="on")
        .timer("t", "a", '${tier("sign", "half")}', "timeDate", interrupting=False, onReturn="end")
        .line("t", "done")
    )  # fmt: skip
    version = version_of(drawing, key="work_order_12345")

    assert version.key == "work_order_12345"
    assert (version.start_form, version.starts) == ("report", ("start",))
    assert version.step("a").clocks == ("sign",)
    assert version.ends["done"].close_reason == "solved"
    assert version.flows["back"].label == "退回"
    timer = version.timers["t"]
    assert (timer.step, timer.interrupting, timer.bound, timer.on_return) == (
        "a",
        False,
        ("sign", "half"),
        "end",
    )
    with pytest.raises(KeyError):
        version.step("nowhere")
