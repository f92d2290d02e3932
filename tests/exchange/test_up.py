"""`huying up` with the played city: orders come by themselves, replies go out, the caller is called back."""

import http.client
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.launcher import Launcher, data_folder, run_command, until
from tests.exchange.conftest import talks
from tests.world import BPMN

pytestmark = pytest.mark.launcher


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """A demo whose only process is the one that talks."""
    folder = tmp_path / "bpmn"
    for name, data in {**talks().files, "sla.yaml": b"clocks: {}\n"}.items():
        file = folder / "talks" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    shutil.copy(BPMN / "_org.yaml", folder / "_org.yaml")
    made = Launcher(data_folder(), environ={"HUYING_BPMN": str(folder)})
    yield made
    made.remove()


class Client:
    """The API of a running demo, as one person."""

    def __init__(self, port: int, login: str) -> None:
        self.port = port
        self.token = self.ask("POST", "/sessions", {"login": login, "password": f"demo-{login}"})["token"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"Content-Type": "application/json", "Idempotency-Key": f"{time.monotonic_ns()}", **headers}
        if hasattr(self, "token"):
            sent["Authorization"] = f"Bearer {self.token}"
        connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, sent)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def tasks(self, step: str) -> list[Any]:
        return [task for task in self.ask("GET", "/tasks?view=todo")["items"] if task["step"] == step]

    def complete(self, task: Any) -> None:
        self.ask(
            "POST",
            f"/tasks/{task['id']}/complete",
            {"outcome": "完成"},
            **{"If-Match": f'"{task["revision"]}"'},
        )


def eventually(found: Callable[[], Any], seconds: float = 40) -> Any:
    held: list[Any] = []
    assert until(lambda: held.append(found()) or bool(held[-1]), seconds)  # type: ignore[func-returns-value]
    return held[-1]


@pytest.fixture
def shipped() -> Iterator[Launcher]:
    made = Launcher(data_folder())
    yield made
    made.remove()


def test_an_order_of_the_played_city_goes_through_the_shipped_process_and_back(shipped: Launcher) -> None:
    shipped.start("--stub-every", "1")
    assert "模拟的市级 12345 平台在 http://127.0.0.1:" in shipped.output
    assert shipped.named("stub city")
    assert shipped.named("huying-postman")
    people = {login: Client(shipped.port, login) for login in ("paiqian1", "cgw1", "shenhe1")}

    def city_s(task: Any) -> bool:
        case = people["paiqian1"].ask("GET", f"/cases/{task['case']}")
        return bool(case["source"] == "city")

    first = eventually(
        lambda: next(
            (t for t in people["paiqian1"].ask("GET", "/tasks?view=todo")["items"] if city_s(t)), None
        )
    )
    case = first["case"]

    def done(login: str, task: Any, outcome: str, **answers: Any) -> Any:
        body = {"outcome": outcome, "answers": answers, "confirm": ["attachment-missing"]}
        seen = {"If-Match": f'"{task["revision"]}"'}
        moved = people[login].ask("POST", f"/tasks/{task['id']}/complete", body, **seen)
        assert "next" in moved, moved
        return next((each for each in moved["next"] if each["case"] == case), None)

    dispatch = done("paiqian1", first, "受理")
    sign = done("paiqian1", dispatch, "派遣", main_unit="d1-cgw")
    handle = done("cgw1", sign, "签收")
    review = done("cgw1", handle, "报结", contacted=True, solved=True, result="已到现场处理。")
    done("shenhe1", review, "通过")
    wanted = ("message.received", "city.callback")
    eventually(lambda: wanted in [(e["name"], e.get("message")) for e in events(people["paiqian1"], case)])

    deliveries = Client(shipped.port, "duban1").ask("GET", f"/deliveries?case={case}")["items"]
    assert [(each["message"], each["state"]) for each in deliveries] == [("city.reply", "sent")]
    journal = (shipped.data / "stub" / "city.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in journal]
    assert kinds[0] == "begun"
    assert {"dispatched", "received", "called-back"} <= set(kinds)
    assert shipped.stop() == 0
    assert shipped.left() == []


def events(client: Client, case: str) -> list[Any]:
    steps = client.ask("GET", f"/cases/{case}/timeline")["items"]
    return [event for step in steps for event in step["events"]]


def test_without_the_played_city_what_is_sent_waits_and_readyz_says_so(launcher: Launcher) -> None:
    launcher.start("--no-stub")
    assert "模拟" not in launcher.output
    assert not launcher.named("stub city")

    me = Client(launcher.port, "paiqian1")
    task = me.ask("POST", "/cases", {"process": "talks", "title": "路灯不亮", "externalNo": "BJ-1"})["tasks"][
        0
    ]
    me.complete(task)

    connection = http.client.HTTPConnection("127.0.0.1", launcher.port, timeout=10)
    connection.request("GET", "/readyz")
    assert json.loads(connection.getresponse().read())["components"]["outbox"] == "held"
    connection.close()
    assert launcher.stop() == 0


def test_production_and_a_house_of_ones_own_refuse_the_played_city(
    launcher: Launcher, tmp_path: Path
) -> None:
    production = {"HUYING_PROFILE": "production", "DATABASE_URL": "postgresql://x@127.0.0.1:9/x"}

    asked = run_command("stub", "city", "--journal", str(tmp_path / "j"), data=launcher.data, **production)
    started = run_command("up", "--no-demo", "--stub", data=launcher.data)

    assert asked.returncode == 1
    assert "正式环境" in asked.stderr
    assert started.returncode == 1
    assert "请去掉 --stub" in started.stderr
