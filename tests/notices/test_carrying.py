"""What leaves over a channel: at least once, with the same id, never a personal value, and nobody waits for it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from app.cases.urging import service as urging
from app.core import db
from app.notices import carrying, channels, folding, herald
from app.notices.channels import Message, Undelivered
from app.notices.models import notice_deliveries
from app.notices.models import notices as notice_rows
from tests.world import Row, World

PHONE, NAME = "13800001234", "王秀英"


class Phone:
    """A channel that keeps what it was handed."""

    label = "短信"

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.fails: list[Undelivered | Mapping[str, str]] = []

    def send(self, messages: Sequence[Message], seconds: float) -> Mapping[str, str]:
        self.got += messages
        if self.fails:
            outcome = self.fails.pop(0)
            if isinstance(outcome, Undelivered):
                raise outcome
            return {message.id: why for message in messages for why in outcome.values()}
        return {}


@pytest.fixture
def phone() -> Iterator[Phone]:
    made = Phone()
    offer = channels.offer(lambda: {"sms": made})
    yield made
    channels._offers.remove(offer)


@pytest.fixture
def world(world: World, phone: Phone) -> World:
    """cgw1 wants short messages."""
    body = {"channels": ["sms"], "digest": True, "quiet": False, "classes": {}}
    assert world.put("cgw1", "/notice-settings", body, seen=0).status_code == 200
    return world


def urged(world: World) -> Row:
    task = world.dispatched(title=f"{NAME}反映路灯不亮")
    urging.urge(world.actor("duban1"), task["id"], f"请联系{NAME} {PHONE}")
    folding.fold_due()
    return task


def carry(phone: Phone) -> int:
    return carrying.carry("sms", phone, "here")


def states(world: World) -> list[tuple[str, int]]:
    return [(row["state"], row["attempts"]) for row in world.rows(notice_deliveries)]


def test_only_the_kind_and_the_number_go_out_and_only_to_who_chose_the_channel(
    world: World, phone: Phone
) -> None:
    task = urged(world)

    carried = [carry(phone), carry(phone)]

    (message,) = phone.got
    number = world.case(task["case_id"])["number"]
    assert (message.to, message.urgent) == ("cgw1", True)
    assert message.text == f"您有新的催办（{number}），请登录系统查看。"
    assert not any(word in message.text for word in (NAME, PHONE, "路灯"))
    assert carried == [1, 0]
    assert states(world) == [("sent", 1)]


def test_a_channel_that_is_away_is_tried_again_with_the_same_id_until_it_takes_it(
    world: World, phone: Phone
) -> None:
    urged(world)
    phone.fails = [Undelivered("对方没有应答。"), Undelivered("对方没有应答。")]

    for _ in range(3):
        carry(phone)
        world.wait(seconds=11)

    assert len({message.id for message in phone.got}) == 1
    assert len(phone.got) == 3
    assert states(world) == [("sent", 3)]


def test_after_six_tries_it_is_dead_with_the_reason_and_the_mailbox_still_has_it(
    world: World, phone: Phone
) -> None:
    urged(world)
    phone.fails = [{"all": "号码停机"} for _ in range(9)]

    for _ in range(9):
        carry(phone)
        world.wait(hours=1)

    (row,) = world.rows(notice_deliveries)
    assert (row["state"], row["attempts"], row["last_error"]) == ("dead", 6, "号码停机")
    assert len(phone.got) == 6
    assert world.get("cgw1", "/notices/counts").json["unread"]["count"] == 1


def test_a_door_that_is_known_to_be_shut_uses_up_no_try(world: World, phone: Phone) -> None:
    urged(world)
    phone.fails = [Undelivered("对方请我们过一会儿再来。", pause=600, counts=False)]

    first = carry(phone)
    world.wait(minutes=9)
    early = carry(phone)
    world.wait(minutes=2)
    late = carry(phone)

    assert (first, early, late) == (1, 0, 1)
    assert states(world) == [("sent", 1)]


def test_killed_between_the_yes_and_our_mark_the_same_message_goes_again(world: World, phone: Phone) -> None:
    urged(world)

    def killed(messages: Sequence[Message], seconds: float) -> Mapping[str, str]:
        phone.got += messages
        raise KeyboardInterrupt

    dying: Any = type("Dying", (), {"label": "短信", "send": staticmethod(killed)})()
    with pytest.raises(KeyboardInterrupt):
        carrying.carry("sms", dying, "one")
    soon = carry(phone)  # its lease still runs
    world.wait(seconds=60)
    later = carry(phone)

    assert (soon, later) == (0, 1)
    first, second = phone.got
    assert first.id == second.id
    assert states(world) == [("sent", 2)]


def test_what_was_read_meanwhile_is_not_sent_any_more(world: World, phone: Phone) -> None:
    urged(world)
    (row,) = world.rows(notice_rows, person_id=world.actor("cgw1").id)
    world.post("cgw1", f"/notices/{row['id']}/read", {})

    carry(phone)

    assert phone.got == []
    assert states(world) == [("sent", 1)]


def test_a_dead_channel_delays_neither_cases_nor_other_channels(world: World, phone: Phone) -> None:
    body = {"channels": ["console"], "digest": True, "quiet": False, "classes": {}}
    world.put("cgw2", "/notice-settings", body, seen=0)
    phone.fails = [Undelivered("连不上。") for _ in range(99)]
    urged(world)

    herald.once()

    found = {row["channel"]: row["state"] for row in world.rows(notice_deliveries)}
    assert found == {"sms": "pending", "console": "sent"}


def test_two_workers_never_hold_the_same_row(on_postgresql: World, phone: Phone) -> None:
    world = on_postgresql
    body = {"channels": ["sms"], "digest": False, "quiet": False, "classes": {}}
    world.put("cgw1", "/notice-settings", body, seen=0)
    for _ in range(4):
        urged(world)

    class Inside:
        """While it sends, another worker looks for work."""

        label = "短信"
        seen: list[int] = []

        def send(self, messages: Sequence[Message], seconds: float) -> Mapping[str, str]:
            self.seen.append(carrying.carry("sms", phone, "other"))
            return {}

    carried = carrying.carry("sms", Inside(), "one")

    assert (carried, Inside.seen, phone.got) == (4, [0], [])


def test_a_digest_goes_out_as_one_message_that_counts(world: World, phone: Phone) -> None:
    from app import notices as door
    from app.notices import Notice

    for n in range(6):
        with db.transaction() as session:
            notice = Notice("clock", f"时限提醒 {NAME}", str(n), world.now(), f"case-{n}", quiet=False)
            door.tell(session, [world.actor("cgw1").id], notice)
    folding.fold_due()

    carry(phone)

    assert [message.text for message in phone.got] == ["您有 6 条通知：时限提醒 6 条，请登录系统查看。"]


def test_nothing_that_people_typed_can_reach_a_channel(world: World, phone: Phone) -> None:
    """Whatever a notice says, its text is no part of what leaves; only a digest's, which counts classes."""
    task = urged(world)
    canary = f"{NAME}{PHONE}某路 12 号"
    world.change(notice_rows, world.rows(notice_rows)[0]["id"], text=canary)

    carry(phone)

    assert all(canary not in message.text and PHONE not in message.text for message in phone.got)
    assert PHONE not in str(world.rows(notice_rows, case_id=task["case_id"])[1:])


def test_the_console_says_what_would_be_sent(world: World, caplog: pytest.LogCaptureFixture) -> None:
    body = {"channels": ["console"], "digest": True, "quiet": False, "classes": {}}
    world.put("cgw2", "/notice-settings", body, seen=0)
    urged(world)

    with caplog.at_level("INFO", "huying.notices.console"):
        herald.once()

    assert "通知 cgw2（紧急）：您有新的催办（" in caplog.text
    assert PHONE not in caplog.text
