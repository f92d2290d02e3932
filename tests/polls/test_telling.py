"""Who may vote is told: when a poll opens, once more before it ends, and nobody can read off who has voted."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from app.core import config, db
from app.core.ids import new_id
from app.identity.models import people
from app.notices import herald, rules
from app.notices.models import notices
from app.polls import telling
from app.polls.models import poll_roll
from tests import world as worlds
from tests.notices.reading import told
from tests.polls.conftest import ONE, THREE, TWO, WORKER, Poll, asking


def mail(poll: Poll, who: str) -> list[str]:
    return [row["text"] for row in poll.world.get(who, "/notices").json["items"]]


@pytest.mark.requirement("XC-065")
def test_members_are_told_once_that_a_poll_opens_and_before_its_end_those_who_have_not_voted(
    database: db.Database,
):
    world = worlds.build(database, asking())
    poll = Poll(database, world=world)

    herald.once()
    herald.once()
    opened = {who: mail(poll, who) for who in (ONE, TWO, THREE)}
    poll.vote(ONE, [1])
    world.wait(days=2, minutes=1)
    herald.once()
    world.wait(hours=12)
    herald.once()
    reminded = {name for name, _, text in told(world, kind="poll") if "还没有投的请抓紧" in text}
    poll.close()
    herald.once()

    assert (len(opened[ONE]), opened[THREE]) == (1, [])
    assert opened[ONE] == opened[TWO]
    assert opened[ONE][0].startswith("居民投票开始了：“")
    assert reminded == {"居民乙"}
    assert len(world.rows(notices, kind="poll")) == 3


def test_of_a_secret_poll_all_who_may_vote_are_reminded_but_nobody_who_left_the_roll(database: db.Database):
    poll = Poll(database, secret="yes", world=worlds.build(database, asking(secret="yes")))
    poll.vote(ONE, [1])
    telling.look()

    poll.world.wait(days=2, minutes=1)
    telling.look()
    before = [name for name, _, text in told(poll.world, kind="poll") if "还没有投的请抓紧" in text]
    second = Poll(database, world=poll.world)
    left = poll.world.post(WORKER, f"/polls/{second.id}/recusals", {"person": TWO, "reason": "本人的事"})
    telling.look()

    assert before == ["居民乙", "居民甲"]
    assert left.status_code == 201, left.json
    assert [row["person_id"] for row in poll.world.rows(notices, case_id=second.case)] == [
        poll.world.actor(ONE).id
    ]


def test_a_large_roll_is_told_in_batches_of_a_few_statements_each(database: db.Database):
    poll = Poll(database)
    with db.transaction() as session:
        ids = [new_id() for _ in range(1198)]
        one = {"kind": "resident", "state": "active", "name": "居民"}
        session.execute(insert(people), [{**one, "id": each, "login": each} for each in ids])
        session.execute(insert(poll_roll), [{"poll_id": poll.id, "person_id": each} for each in ids])

    with worlds.statements(database) as statements:
        looked = telling.look()

    assert looked == 1200
    assert len(poll.world.rows(notices, kind="poll")) == 1200
    assert len(statements) <= 30
    assert telling.look() == 0


def test_an_administrator_words_it_or_turns_it_off(
    database: db.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    poll = Poll(database)
    monkeypatch.setattr(config, "_chosen", [replace(config.settings(), bpmn_dir=tmp_path)])
    (tmp_path / rules.FILE).write_text("classes: {poll: {label: 投票}}\nevents: []\n", encoding="utf-8")
    off = telling.look()
    line = "{on: poll.opened, tell: [voters], class: poll, text: '请投票：{title}'}"
    text = f"classes: {{poll: {{label: 投票}}}}\nevents:\n  - {line}\n"
    (tmp_path / rules.FILE).write_text(text, encoding="utf-8")
    on = telling.look()
    wrong = [
        rules.read_rules("n.yaml", text.replace(was, now).encode())[1][0].zh
        for was, now in (
            ("[voters]", "[handler]"),
            ("poll.opened", "poll.closing"),
            ("poll.opened", "case.closed"),
        )
    ]

    assert (off, on) == (0, 2)
    assert {text for _, _, text in told(poll.world)} == {f"请投票：{poll.seen()['title']}"}
    assert "poll.opened 只能告诉 voters（能投票的居民）" in wrong[0]
    assert "要写 before" in wrong[1]
    assert "case.closed 没有投票的人" in wrong[2]
