"""What residents and staff do with what a walk's case shows: like, comment, rate, sign up, check in, book."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.bundles.keys import Any_, Flag, Key, Named, Text, Whole
from app.core import clock
from app.core.db import reading
from app.processes.acts import REASON, WHO, Doing, act
from app.processes.stage import Unmet
from app.publications import acting, listing, managing, objecting, viewing
from app.publications.models import ASKED, publications

_WHICH = Key(Text(says="名字", longest=60), "publication 里的哪一项；只显示过一项时不写")
_WORDS = Text(says="文字", longest=2000)


@act("like", "点赞", "case", publication=_WHICH)
def _like(doing: Doing) -> str:
    acting.like(doing.actor, _shown(doing))
    return "点赞"


@act("comment", "评论", "case", publication=_WHICH, text=Key(_WORDS, "说什么", required=True))
def _comment(doing: Doing) -> str:
    acting.comment(doing.actor, _shown(doing), doing.text("text"))
    return f"评论：{doing.text('text')}"


@act("object", "提异议", "case", publication=_WHICH, text=Key(_WORDS, "说什么", required=True))
def _object(doing: Doing) -> str:
    objecting.object_to(doing.actor, _shown(doing), doing.text("text"))
    return f"提异议：{doing.text('text')}"


@act(
    "star",
    "评星",
    "case",
    publication=_WHICH,
    stars=Key(Named(Whole(1, 5), says="方面"), "方面: 几星", required=True),
    text=Key(_WORDS, "说什么"),
)
def _star(doing: Doing) -> str:
    stars = dict(doing.given["stars"])
    acting.rate(doing.actor, _shown(doing), stars, doing.text("text"))
    return "评星：" + "，".join(f"{aspect} {number} 星" for aspect, number in stars.items())


@act("signUp", "报名", "case", publication=_WHICH, companions=Key(Whole(0, 9), "同行几人"))
def _sign_up(doing: Doing) -> str:
    companions = int(doing.given.get("companions") or 0)
    acting.sign_up(doing.actor, _shown(doing), companions)
    return "报名" + (f"，同行 {companions} 人" if companions else "")


@act("cancelSignUp", "取消报名", "case", publication=_WHICH)
def _cancel(doing: Doing) -> str:
    acting.cancel(doing.actor, _shown(doing))
    return "取消报名"


@act("checkIn", "签到", "case", publication=_WHICH, person=Key(WHO, "谁到了", required=True))
def _check_in(doing: Doing) -> str:
    who = doing.walk.actor(doing.text("person"))
    managing.check_in(doing.actor, _shown(doing), who.login)
    return f"给{who.name}签到"


@act(
    "setSeats",
    "调整名额",
    "case",
    publication=_WHICH,
    seats=Key(Whole(0, 100_000), "多少名额", required=True),
    reason=REASON,
)
def _seats(doing: Doing) -> str:
    seats = int(doing.given["seats"])
    managing.set_seats(doing.actor, _shown(doing), seats, doing.text("reason"))
    return f"把名额调整为 {seats}：{doing.text('reason')}"


@act("hideComment", "隐藏评论（最新的一条）", "case", publication=_WHICH, reason=REASON)
def _hide(doing: Doing) -> str:
    which = _shown(doing)
    newest = _first(listing.said(doing.actor, which, 1, None), "还没有评论。")
    managing.decide(doing.actor, which, newest["id"], "hidden", doing.text("reason"))
    return f"隐藏一条评论：{doing.text('reason')}"


@act("showComment", "审核通过评论（最新的一条）", "case", publication=_WHICH)
def _show(doing: Doing) -> str:
    which = _shown(doing)
    newest = _first(listing.said(doing.actor, which, 1, None), "还没有评论。")
    managing.decide(doing.actor, which, newest["id"], "shown")
    return "让一条评论显示"


@act("book", "预约交流（次日此时）", "case", publication=_WHICH, text=Key(_WORDS, "谈什么", required=True))
def _book(doing: Doing) -> str:
    with reading() as session:
        tomorrow = clock.now(session) + timedelta(days=1)
    acting.book(doing.actor, _shown(doing), tomorrow, doing.text("text"))
    return f"预约交流：{doing.text('text')}"


@act(
    "answerBooking",
    "答复预约（最早的一个）",
    "case",
    publication=_WHICH,
    accepted=Key(Flag(), "能不能约定", required=True),
    text=Key(_WORDS, "说什么"),
)
def _answer(doing: Doing) -> str:
    which = _shown(doing)
    asked = [each for each in listing.booked(doing.actor, which, 200, None) if each["state"] == ASKED]
    oldest = _first(asked[::-1], "没有等答复的预约。")
    accepted = bool(doing.given["accepted"])
    managing.answer(doing.actor, which, oldest["id"], doing.text("text"), accepted=accepted)
    return f"答复预约：{'约定' if accepted else '不能约定'}，{doing.text('text')}"


@act(
    "see",
    "查看公示",
    "case",
    publication=_WHICH,
    shows=Key(
        Named(Any_(), says="名字"), "标签: 应看到的文字；state、status、likes、signUp（报满……）也可以写"
    ),
)
def _see(doing: Doing) -> str:
    seen = viewing.look(doing.actor, _shown(doing))
    found = {each["label"]: each["text"] for each in seen["fields"]}
    found |= {name: seen[name] for name in ("title", "state", "status", "likes", "comments")}
    found["signUp"] = (seen["signUp"] or {}).get("said")
    for name, wanted in (doing.given.get("shows") or {}).items():
        if found.get(name) != wanted:
            raise Unmet(f"看到的“{name}”是“{found.get(name)}”，应为“{wanted}”。")
    return f"看到“{seen['title']}”（{seen['section']}）"


def _shown(doing: Doing) -> str:
    """The publication that is meant, of the case. Raises Unmet before it was shown."""
    name = doing.text("publication")
    query = select(publications.c.id).where(publications.c.case_id == doing.case["id"])
    if name:
        query = query.where(publications.c.name == name)
    with reading() as session:
        found: str | None = session.scalar(query.order_by(publications.c.id.desc()).limit(1))
    if found is None:
        raise Unmet(f"还没有显示过“{name}”。" if name else "还没有显示过什么。")
    return found


def _first(rows: list[Any], says: str) -> Any:
    if not rows:
        raise Unmet(says)
    return rows[0]
