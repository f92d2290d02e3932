"""The work order of 12345 in its canonical names, and how one becomes the body of `POST /cases`.

A partner's order is nested JSON or a flat row of a table; both become one mapping of dotted canonical names
(`caller.phone`), whatever of the known names its columns had. Which of them a case takes is read from the
start form of the process: a name that the form does not ask is left out, and a caller's name or number as
long as the process does not declare it secret.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from app.bundles.forms import Form, FormField

KNOWN: Mapping[str, tuple[str, ...]] = {
    # canonical name: what tables of partners and people call it
    "externalNo": ("工单编号", "来源编号", "workOrderNumber", "t_no", "gdbh"),
    "source": ("来源", "t_source"),
    "channel": ("渠道",),
    "receivedAt": ("来电时间", "收到时间", "callTime", "t_tel_time"),
    "caller.name": ("来电人", "callUserName", "t_tel_name"),
    "caller.gender": ("性别", "t_tel_sex"),
    "caller.phone": ("联系电话", "来电号码", "callPhoneNumber", "t_tel_tel"),
    "caller.idMasked": ("来电人证件",),
    "caller.address": ("来电人地址", "callUserAddress", "t_tel_address"),
    "caller.confidential": ("是否保密",),
    "location.text": ("发生地址", "occurrenceAddress", "t_locality"),
    "location.lng": ("经度",),
    "location.lat": ("纬度",),
    "location.crs": ("坐标系",),
    "location.gridCode": ("网格编码",),
    "location.streetCode": ("街道编码",),
    "location.communityCode": ("社区编码", "所在单位", "placeUnit", "place_unit"),
    "callerKind": ("来电主体", "t_tel_subject"),
    "type": ("诉求类型", "t_type", "bldlx"),
    "taskType": ("任务类型", "t_task_type"),
    "category.1": ("一级分类", "categoryOne"),
    "category.2": ("二级分类", "categoryTwo"),
    "category.3": ("三级分类", "categoryThree"),
    "categoryCode": ("分类编码",),
    "title": ("标题", "t_title"),
    "content": ("主要内容", "诉求内容", "mainContent", "t_details", "question"),
    "level": ("紧急程度", "jjcd"),
    "tags": ("标签", "t_tags"),
    "sevenFive": ("七有五性", "sevenFiveId"),
    "dispatch.mainOrg": ("主办单位", "resolveDepartment", "t_organizer"),
    "repeat.kind": ("重复类型",),
    "repeat.of": ("重复工单",),
}
HEADERS: Mapping[str, str] = {name: called[0] for name, called in KNOWN.items()}
"""What a table of ours writes over each column."""

_CANONICAL = {called: name for name, names in KNOWN.items() for called in (name, *names)}

ASKED: Mapping[str, tuple[str, ...]] = {
    # name of a start form: canonical names that answer it, the first that is there
    "content": ("content",),
    "appeal": ("type",),
    "level": ("level",),
    "category": ("categoryCode",),
    "channel": ("channel",),
    "address": ("location.text",),
    "place_text": ("location.text",),
    "caller_kind": ("callerKind",),
    "caller_name": ("caller.name",),
    "caller_gender": ("caller.gender",),
    "caller_phone": ("caller.phone",),
    "caller_address": ("caller.address",),
    "tags": ("tags",),
}
_ENVELOPE = ("externalNo", "receivedAt", "title", "location.communityCode", "location.streetCode")


def flat(order: Mapping[str, Any]) -> dict[str, Any]:
    """A nested order, or a row of a table, by canonical names; what nobody knows keeps its own name."""
    found: dict[str, Any] = {}
    for name, value in _leaves(order, ""):
        plain = unicodedata.normalize("NFKC", name).strip().lstrip("\ufeff")
        found.setdefault(_CANONICAL.get(plain, plain), value)
    return {name: value for name, value in found.items() if value not in (None, "")}


def _leaves(value: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{before}{name}.")
        elif name == "category" and isinstance(inner, list):
            yield from ((f"{before}category.{n}", each) for n, each in enumerate(inner, 1))
        else:
            yield before + name, inner


def body(order: Mapping[str, Any], process: str, form: Form | None) -> tuple[dict[str, Any], list[str]]:
    """The body of `POST /cases` for a flat order, and the names that found no place in it.

    `form` is the start form of the process.
    """
    answers: dict[str, Any] = {}
    used: set[str] = {*_ENVELOPE}
    for field in form.fields if form is not None else ():
        for name in (*ASKED.get(field.name, ()), field.name, field.label):
            if name in order and _may(field, name):
                answers[field.name] = order[name]
                used.add(name)
                break
    if form is not None and "location.lng" in order and "location.lat" in order:
        for field in form.fields:
            if field.asks == "point" and field.name not in answers:
                answers[field.name] = {"lng": order["location.lng"], "lat": order["location.lat"]}
                used |= {"location.lng", "location.lat"}
                break
    place = order.get("location.communityCode") or order.get("location.streetCode")
    sent = {
        "process": process,
        "title": order.get("title"),
        "externalNo": order.get("externalNo"),
        "receivedAt": order.get("receivedAt"),
        "placeUnit": place,
        "answers": answers,
    }
    return {name: value for name, value in sent.items() if value is not None}, [
        name for name in order if name not in used
    ]


def _may(field: FormField, name: str) -> bool:
    """Who called is kept only where it is sealed."""
    return not name.startswith("caller.") or bool(getattr(field.data, "secret", False))
