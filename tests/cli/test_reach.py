"""A command says which database it speaks to, or in one plain line why it speaks to none."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import db as migrations
from app.cli import main
from app.core import config, db
from app.core.config import REPOSITORY
from tests.cli.launcher import run_command
from tests.cli.test_migrations import empty

__all__ = ["empty"]

SPEAKING = (
    ("process", "list"),
    ("process", "publish"),
    ("demo", "time"),
    ("demo", "pass", "PT1H"),
    ("audit", "verify"),
)
NOTHING = "没有找到正在运行的呼应；请先 make run，或设 HUYING_DATA / DATABASE_URL。"


@pytest.fixture(autouse=True)
def nothing_chosen() -> Iterator[None]:
    yield
    config.use(None)


def spoken(words: tuple[str, ...], data: Path, **environ: str) -> tuple[int, str, str]:
    """Code, output and errors of a command: the first in a process of its own, as people call it, the others
    in this one, told as much as they would know there."""
    if words == SPEAKING[0]:
        done = run_command(*words, data=data, **environ)
        return done.returncode, done.stdout, done.stderr
    config.use(config.from_environment(environ))
    result = CliRunner(env={"HUYING_DATA": str(data), **environ}).invoke(main, words)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def bpmn_with_halfdone(database: db.Database, tmp_path: Path) -> Path:
    """The shipped folders, and one that somebody has only begun."""
    bpmn = tmp_path / "bpmn"
    shutil.copytree(REPOSITORY / "bpmn", bpmn)
    (bpmn / "halfdone").mkdir()
    (bpmn / "halfdone" / "process.yaml").write_text("key: halfdone\nname: 写到一半\n")
    config.use(replace(config.settings(), bpmn_dir=bpmn))
    return bpmn


@pytest.mark.parametrize("words", [*SPEAKING, ("demo", "load"), ("migrate",)], ids=" ".join)
def test_without_a_database_a_command_says_so_in_one_line_and_leaves_no_file(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    told = spoken(words, tmp_path / "none")

    assert told == (1, "", NOTHING + "\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", SPEAKING, ids=" ".join)
def test_a_database_that_is_behind_is_named_with_what_to_run(words: tuple[str, ...], empty: str) -> None:
    migrations.upgrade(empty, "0001")

    code, _, errors = spoken(words, Path("/nonexistent"), DATABASE_URL=empty)

    assert code == 1
    assert errors.count("\n") == 1
    assert errors.endswith("请先运行 huying migrate。\n")


@pytest.mark.parametrize("words", [*SPEAKING, ("demo", "load"), ("migrate",)], ids=" ".join)
def test_a_database_that_does_not_answer_is_named_without_its_password(words: tuple[str, ...]) -> None:
    url = "postgresql://huying:geheim@127.0.0.1:1/huying"

    code, _, errors = spoken(words, Path("/nonexistent"), DATABASE_URL=url)

    assert code == 1
    assert errors == (
        "数据库 postgresql://huying:***@127.0.0.1:1/huying 打不开；请确认它在运行，地址、账号和口令没有写错。\n"
    )


@pytest.mark.parametrize("words", SPEAKING, ids=" ".join)
def test_a_missing_sqlite_file_is_not_made_by_looking(words: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "trial.db"

    _, _, errors = spoken(words, Path("/nonexistent"), DATABASE_URL=f"sqlite:///{file}")

    assert errors == f"数据库文件 {file} 不存在；请先运行 huying migrate。\n"
    assert not file.exists()


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("家书" * 600)

    done = run_command("migrate", data=Path("/nonexistent"), DATABASE_URL=f"sqlite:///{file}")

    assert done.returncode == 1
    assert done.stderr.startswith(f"数据库文件 {file} 打不开")
    assert done.stderr.count("\n") == 1


def test_publishing_says_where_to(database: db.Database) -> None:
    answer = CliRunner().invoke(main, ["process", "publish"])

    first = answer.output.splitlines()[0]
    assert answer.exit_code == 0, answer.output
    if database.url.startswith("sqlite"):
        assert first == f"发布到数据库文件 {database.url.removeprefix('sqlite:///')}："
    else:
        assert first.startswith("发布到数据库 postgresql://")


def test_one_unfinished_folder_keeps_no_other_from_being_published(
    database: db.Database, bpmn_with_halfdone: Path
) -> None:
    answer = CliRunner().invoke(main, ["process", "publish"])

    assert answer.exit_code == 1
    assert "halfdone：没有发布。" in answer.output
    assert "(work_order_12345)：已发布" in answer.output


def test_the_demo_is_loaded_without_the_unfinished_folder(
    database: db.Database, bpmn_with_halfdone: Path
) -> None:
    answer = CliRunner().invoke(main, ["demo", "load"])

    last = answer.output.splitlines()[-1]
    assert answer.exit_code == 0, answer.output
    assert last.startswith("注意：halfdone 没有发布：")
    assert len(last) > len("注意：halfdone 没有发布：")
    assert "(work_order_12345)：已发布" in answer.output


def test_lengths_of_time_are_chinese_and_a_moved_clock_is_said_at_the_next_start(
    database: db.Database,
) -> None:
    before = CliRunner().invoke(main, ["demo", "time"])
    CliRunner().invoke(main, ["demo", "pass", "P1DT6H"])
    after = CliRunner().invoke(main, ["demo", "time"])
    loaded = CliRunner().invoke(main, ["demo", "load"])

    assert "与真实时间相同" in before.output
    assert "比真实时间快 1 天 6 小时。" in after.output
    assert "注意：示范时钟拨动过，比真实时间快 1 天 6 小时" in loaded.output


def test_a_database_newer_than_the_program_is_left_alone(database: db.Database) -> None:
    with db.transaction() as session:
        session.connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    try:
        migrated = CliRunner().invoke(main, ["migrate"])
        listed = CliRunner().invoke(main, ["process", "list"])
    finally:
        with db.transaction() as session:
            session.connection.exec_driver_sql(
                f"update alembic_version set version_num = '{migrations.schema.newest()}'"
            )

    assert "不需要升级" in migrated.output
    assert listed.exit_code == 0


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL 写得不对"),
        ({"DATABASE_URL": "mysql://root:geheim@h/d"}, "DATABASE_URL 里的数据库 mysql 不支持"),
        ({"DATABASE_URL": "postgresql://h:eins/d"}, "DATABASE_URL 写得不对"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL 没有写 SQLite 的文件"),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL 应以 redis://"),
        ({"HUYING_BPMN": "/nonexist"}, "HUYING_BPMN 指的文件夹 /nonexist 不存在。"),
        ({"HUYING_PROFILE": "prod"}, "HUYING_PROFILE 只能是"),
        ({"HUYING_WEB_THREADS": "0"}, "HUYING_WEB_THREADS 至少为 1，不能是 0。"),
        ({"HUYING_TICK_SECONDS": "nan"}, "HUYING_TICK_SECONDS 应为数字"),
        ({"HUYING_PROFILE": "production", "DATABASE_URL": "sqlite:////x.db"}, "正式环境"),
    ],
    ids=str,
)
def test_a_wrong_setting_names_itself_and_shows_no_password(environ: dict[str, str], told: str) -> None:
    with pytest.raises(config.SettingRefused) as refused:
        config.from_environment(environ)

    assert told in str(refused.value)
    assert "geheim" not in str(refused.value)
