"""`huying keys`: made once, listed without a secret, changed while in use."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from app.audit.streams import audit_stream
from app.cli import db as migrations
from app.cli import main
from app.core import config, db
from app.crypto import data_keys


@pytest.fixture
def file(database: db.Database, tmp_path: Path) -> Path:
    """Where a keyring shall be; the settings name it."""
    path = tmp_path / "keyring"
    config.use(config.Settings(profile="test", database_url=database.url, keys=path))
    return path


def huying(*words: str) -> Result:
    return CliRunner().invoke(main, ["keys", *words], env={"DATABASE_URL": "given by the settings"})


def test_init_makes_a_keyring_once_and_says_to_keep_a_copy(file: Path) -> None:
    first, second = huying("init"), huying("init")

    assert first.exit_code == 0
    assert "请马上把它另存一份" in first.output
    assert (second.exit_code, second.output) == (1, f"密钥文件 {file} 已经有了，没有改动。\n")


def test_list_tells_which_keks_the_database_needs_and_shows_none(file: Path) -> None:
    huying("init")
    with db.transaction() as session:
        data_keys.system(session, data_keys.ANSWERS)
    kek = orjson.loads(file.read_bytes())["keks"][0]
    listed = huying("list")
    file.unlink()
    huying("init")
    lacking = huying("list")

    assert f"主密钥 {kek['id']}" in listed.output
    assert "包装 1 个数据密钥" in listed.output
    assert "重复请求的回答：使用中 1 个" in listed.output
    assert kek["key"] not in listed.output
    assert f"主密钥 {kek['id']}  密钥文件里没有！ 1 个数据密钥打不开" in lacking.output


def test_rotate_kek_wraps_every_key_anew_and_can_be_prepared(file: Path) -> None:
    huying("init")
    with db.transaction() as session:
        data_keys.system(session, data_keys.ANSWERS)

    prepared = huying("rotate", "kek", "--prepare")
    rotated = huying("rotate", "kek")

    assert "还没有使用" in prepared.output
    assert rotated.exit_code == 0, rotated.output
    assert "1 个数据密钥已改由它包装" in rotated.output
    assert len(orjson.loads(file.read_bytes())["keks"]) == 2
    with db.reading() as session:
        told = session.execute(audit_stream.select().order_by(audit_stream.c.seq)).all()
    assert [row.kind for row in told] == ["keys.prepared", "keys.rotated"]
    assert migrations.versions(config.settings().database())[0] is not None
