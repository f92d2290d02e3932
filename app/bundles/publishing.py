"""`publication:` of process.yaml: what residents are shown of a case, which of them, and what they may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.data_fields import DataField
from app.bundles.keys import Flag, Found, Key, Many, Named, Record, Scalar, Text
from app.bundles.yaml_file import Path

NAME = r"[A-Za-z一-鿿][A-Za-z0-9_一-鿿]{0,59}"
EVERYONE, MEMBERS = "everyone", "members"
OPEN, REVIEWED = "open", "reviewed"
SIGNED, ATTENDEES = "signed", "attendees"
CLOSED, HIDDEN = "closed", "hidden"
ORDERS = r"[a-z][a-z0-9_]{0,59}\.[a-z][a-z0-9_]{0,59}"
_NAME = Text(says="名字", longest=60)

SHAPE = Named(
    Record(
        {
            "section": Key(Text(says="栏目", longest=60), "在哪个栏目里给居民看", required=True),
            "title": Key(_NAME, "作标题的名字，文字类型；不写就是 title"),
            "fields": Key(
                Many(_NAME, least=1, most=60), "给居民看的名字，按先后；加密的不能写", required=True
            ),
            "audience": Key(
                Text(one_of=(EVERYONE, MEMBERS), says="范围"),
                "给谁看：everyone 全部居民，members 办件所在地的社区的正式成员",
                required=True,
            ),
            "category": Key(_NAME, "居民按它筛选的名字：选项、分类、单位或文字类型"),
            "point": Key(_NAME, "地图上的位置，位置类型的名字"),
            "likes": Key(Flag(), "能不能点赞；不写就不能"),
            "comments": Key(Scalar(), "评论：true 发表就显示，reviewed 审核后显示，false 不能评论（默认）"),
            "ratings": Key(Many(Text(says="方面", longest=30), least=1, most=10), "按哪些方面评星（1 到 5）"),
            "ratedBy": Key(
                Text(one_of=(EVERYONE, SIGNED, ATTENDEES), says="谁"),
                "谁能评星：everyone 看得到的人（默认），signed 报了名的人，attendees 签了到的人",
            ),
            "seats": Key(_NAME, "名额，整数类型的名字：能报名；没有填就不限人数"),
            "until": Key(_NAME, "报名到什么时候为止，日期或日期时间类型的名字"),
            "objections": Key(
                Record(
                    {
                        "until": Key(_NAME, "哪个时钟（sla.yaml）走着的时候收，到时就不收", required=True),
                        "named": Key(Flag(), "工作人员看不看得到是谁提的；不写就看得到"),
                    }
                ),
                "居民能不能提异议：一人一轮一次，别的居民看不到；不写就不收",
            ),
            "bookings": Key(Flag(), "能不能预约交流；不写就不能"),
            "orders": Key(
                Text(ORDERS, "流程.名字"),
                "哪个流程的哪个名字（要在它的 facts 里）写这一件的编号：给居民看有几件在办的点单",
            ),
            "ended": Key(
                Text(one_of=(CLOSED, OPEN, HIDDEN), says="做法"),
                "办结以后：closed 只能看（默认），open 照旧，hidden 不再显示；终止的一律不再显示",
            ),
        }
    ),
    NAME,
    "字母或汉字开头的名字",
)

_LABELS = ("text", "choice", "category", "unit")
_NEVER = ("person",)


@dataclass(frozen=True)
class Objections:
    """Residents may object while a clock runs; `named`: staff see who it was."""

    until: str
    named: bool = True


@dataclass(frozen=True)
class Publishing:
    """One publication that a process may show; names are those of its data."""

    name: str
    section: str
    fields: tuple[str, ...]
    audience: str
    title: str = "title"
    category: str | None = None
    point: str | None = None
    likes: bool = False
    comments: str | None = None  # open | reviewed
    ratings: tuple[str, ...] = ()
    rated_by: str = EVERYONE
    seats: str | None = None
    until: str | None = None
    bookings: bool = False
    orders: str | None = None
    """`process.name`: open cases of that process which hold this one's number there are counted."""
    ended: str = CLOSED
    objections: Objections | None = None

    @property
    def names(self) -> frozenset[str]:
        """All that it shows or is found by."""
        more = (self.title, self.category, self.point, self.seats, self.until)
        return frozenset((*self.fields, *(name for name in more if name is not None)))


def read_publications(
    given: Mapping[str, Mapping[str, Any]], data: Mapping[str, DataField], found: Found
) -> Mapping[str, Publishing]:
    """The publications of a checked mapping; what is wrong becomes findings."""
    return MappingProxyType({name: _read(name, each, data, found) for name, each in given.items()})


def _read(name: str, given: Mapping[str, Any], data: Mapping[str, DataField], found: Found) -> Publishing:
    at: Path = ("publication", name)
    for i, each in enumerate(given["fields"]):
        _check(each, (), "", data, found, (*at, "fields", i))
    for key, types, says in (
        ("title", ("text",), "文字"),
        ("category", _LABELS, "选项、分类、单位或文字"),
        ("point", ("point",), "位置"),
        ("seats", ("int",), "整数"),
        ("until", ("date", "datetime"), "日期或日期时间"),
    ):
        if key in given:
            _check(given[key], types, says, data, found, (*at, key))
    comments = given.get("comments", False)
    if comments not in (True, False, REVIEWED):
        zh = f"comments 只能是 true、reviewed 或 false，现在是“{comments}”。"
        found.error("value-invalid", (*at, "comments"), zh, "comments is true, reviewed or false.")
    for key, needs in (("ratedBy", "ratings"), ("until", "seats")):
        if key in given and needs not in given:
            zh = f"写了 {key}，就要写 {needs}。"
            found.error("key-missing", (*at, key), zh, f"{key} needs {needs}.")
    if given.get("ratedBy") in (SIGNED, ATTENDEES) and "seats" not in given:
        zh = "只让报了名、签了到的人评星，就要能报名：请写 seats。"
        found.error("key-missing", (*at, "ratedBy"), zh, "Who signed up may rate only where there are seats.")
    ratings = _once(given.get("ratings", ()), (*at, "ratings"), found)
    return Publishing(
        name,
        given["section"],
        _once(given["fields"], (*at, "fields"), found),
        given["audience"],
        given.get("title", "title"),
        given.get("category"),
        given.get("point"),
        given.get("likes", False),
        {True: OPEN, REVIEWED: REVIEWED}.get(comments),
        ratings,
        given.get("ratedBy", EVERYONE),
        given.get("seats"),
        given.get("until"),
        given.get("bookings", False),
        given.get("orders"),
        given.get("ended", CLOSED),
        Objections(**given["objections"]) if "objections" in given else None,
    )


def _once(given: Sequence[str], at: Path, found: Found) -> tuple[str, ...]:
    for i, each in enumerate(given):
        if each in given[:i]:
            found.error("value-twice", (*at, i), f"“{each}”写了两次。", f'"{each}" stands twice.')
    return tuple(given)


def _check(
    name: str, types: Sequence[str], says: str, data: Mapping[str, DataField], found: Found, at: Path
) -> None:
    field = data.get(name)
    if field is None:
        zh = f"publication 里的“{name}”没有在 data 里声明；有{keys.nearest(name, data)}。"
        found.error("name-undeclared", at, zh, f'"{name}" is not declared.')
    elif field.secret:
        zh = f"“{name}”（{field.label}）是加密保存的，不能给居民看，请从 publication 里删去。"
        found.error("published-secret", at, zh, f'"{name}" is secret and is never shown.')
    elif field.per_item or field.type in _NEVER or (types and field.type not in types):
        what = says or "人员以外、不各填各的名字"
        zh = f"publication 里这里要写{what}，“{name}”（{field.label}）不是。"
        found.error("value-invalid", at, zh, f'"{name}" does not fit here.')
