"""Tokens of service accounts: issued once, good at the door, ended all at once."""

from click.testing import CliRunner

from app.audit.streams import audit_stream
from app.cli import main
from app.core import db
from tests import world as worlds


def run(*words: str) -> tuple[int, list[str]]:
    done = CliRunner().invoke(main, ["account", *words])
    return done.exit_code, done.output.splitlines()


def test_a_service_gets_a_token_that_opens_the_door_until_all_are_revoked(database: db.Database) -> None:
    world = worlds.build(database)

    code, lines = run("token", "city", "--days", "30")
    world._tokens["city"] = lines[0]
    before = world.get("city", "/sessions/current")
    revoked = run("revoke", "city")
    after = world.get("city", "/sessions/current")

    assert (code, before.status_code, after.status_code) == (0, 200, 401)
    assert revoked == (0, ["city 的 1 个令牌已收回。"])
    kinds = [row["kind"] for row in world.rows(audit_stream, stream="admin")]
    assert sorted(kinds) == ["token.issued", "token.revoked"]


def test_a_person_gets_none(database: db.Database) -> None:
    worlds.build(database)

    code, lines = run("token", "paiqian1")

    assert code == 1
    assert "没有服务账号 paiqian1。" in lines[-1]
    assert run("token", "city", "--days", "400")[0] == 2
