"""bpmn/_org.yaml: units, roles, people, residents; every fault with its line, in plain Chinese."""

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from app.identity.boundary import read_boundary, read_point
from app.identity.models import TIERS
from app.identity.org_nodes import Findings, OrgRefused, compose, items_of, mapping, text_of
from app.identity.permissions import ALL
from app.identity.topics import PATTERN, PATTERN_SAYS

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\Z")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,59}\Z")
_TOPIC = re.compile(PATTERN)
_PHONE = re.compile(r"[0-9+][0-9 -]{4,38}\Z")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_REGION = re.compile(r"[a-z][a-z0-9_]{0,19}\Z")
UNIT_KEYS = ("code", "name", "kind", "tier", "parent", "region", "boundary", "point", "address", "phone")
REAL = ("real_name", "phone", "id_number")


@dataclass(frozen=True)
class UnitLine:
    """A unit of the file; `path` is its codes from the root down."""

    code: str
    name: str
    kind: str
    tier: str
    parent: str | None
    path: str = ""
    boundary: tuple[tuple[float, float], ...] | None = None
    """The corners of a district's border: longitude and latitude."""
    point: tuple[float, float] | None = None
    """Where it is found on the map, of a place where people are served."""
    address: str | None = None
    phone: str | None = None
    region: str | None = None
    """Whose working calendar counts here and below, as `huying calendar` knows it."""
    region_line: int = 0


@dataclass(frozen=True)
class RoleLine:
    """A role and what it may do."""

    key: str
    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class PersonLine:
    """A person or service, with (role, unit code) appointments."""

    login: str
    name: str
    kind: str
    password: str | None = field(repr=False)
    appointments: tuple[tuple[str, str], ...]
    topics: tuple[str, ...] = ()
    """Of external work, that a service may fetch."""


@dataclass(frozen=True)
class ResidentLine:
    """A resident of the demo, an approved member of communities (codes). Everybody may read `name`."""

    login: str
    name: str
    password: str | None = field(repr=False)
    communities: tuple[str, ...]
    real: dict[str, str] | None = field(default=None, repr=False)
    """Real name, phone and identity number, where the file tells them."""


@dataclass(frozen=True)
class OrgFile:
    """What the file says; units stand after their parents."""

    name: str
    units: tuple[UnitLine, ...]
    roles: tuple[RoleLine, ...]
    people: tuple[PersonLine, ...]
    residents: tuple[ResidentLine, ...] = ()

    def unit(self, code_or_name: str) -> UnitLine | None:
        return next((u for u in self.units if code_or_name in (u.code, u.name)), None)

    def person(self, login_or_name: str) -> PersonLine | ResidentLine | None:
        everybody: tuple[PersonLine | ResidentLine, ...] = (*self.people, *self.residents)
        return next((p for p in everybody if login_or_name in (p.login, p.name)), None)


@lru_cache(maxsize=2)
def read_org(data: bytes) -> OrgFile:
    """The file's content. Raises OrgRefused with every finding (line, Chinese text).

    Every check of a process asks for it, so the same bytes are read once.
    """
    found = Findings()
    top = mapping(compose(data, found), ("name", "units", "roles", "people", "residents"), "机构文件", found)
    roles = _roles(top.get("roles"), found)
    units = _units(top.get("units"), found)
    people = _people(top.get("people"), roles, units, found)
    residents = _residents(top.get("residents"), people, units, found)
    if found.lines:
        raise OrgRefused(found.lines)
    name = text_of(top["name"], "name", found) if "name" in top else ""
    return OrgFile(name, tuple(units.values()), tuple(roles.values()), tuple(people), tuple(residents))


def _roles(node: Any, found: Findings) -> dict[str, RoleLine]:
    if node is None:
        found.add(None, "缺少 roles（角色）。")
        return {}
    roles: dict[str, RoleLine] = {}
    for key, value in mapping(node, (), "roles", found).items():
        if not _WORD.match(key):
            found.add(value, f"角色名“{key}”的写法不对，只用小写字母、数字和下划线。")
        entry = mapping(value, ("name", "permissions"), f"角色 {key}", found)
        for needed in ("name", "permissions"):
            if needed not in entry:
                found.add(value, f"角色 {key} 缺少“{needed}”。")
        permissions = []
        for item in items_of(entry.get("permissions"), "permissions", found):
            permission = text_of(item, "permissions", found)
            if permission and permission not in ALL:
                near = get_close_matches(permission, ALL, 1)
                hint = f"，是不是“{near[0]}”？" if near else f"；可用的有：{'、'.join(ALL)}。"
                found.add(item, f"没有“{permission}”这个权限{hint}")
            permissions.append(permission)
        name = text_of(entry["name"], "name", found) if "name" in entry else key
        roles[key] = RoleLine(key, name, tuple(dict.fromkeys(permissions)))
    return roles


def _units(node: Any, found: Findings) -> dict[str, UnitLine]:
    listed: dict[str, tuple[Any, UnitLine]] = {}
    names: set[str] = set()
    for item in items_of(node, "units", found):
        entry = mapping(item, UNIT_KEYS, "单位", found)
        missing = [needed for needed in ("code", "name", "tier") if needed not in entry]
        for needed in missing:
            found.add(item, f"单位缺少“{needed}”。")
        if missing:
            continue
        code = text_of(entry["code"], "code", found, lambda text: bool(_CODE.match(text)))
        name = text_of(entry["name"], "name", found)
        tier = text_of(entry["tier"], "tier", found)
        if tier not in TIERS:
            found.add(entry["tier"], f"tier 只能是 {'、'.join(TIERS)}，现在是“{tier}”。")
        kind = (
            text_of(entry["kind"], "kind", found, lambda t: bool(_WORD.match(t))) if "kind" in entry else tier
        )
        parent = text_of(entry["parent"], "parent", found) if "parent" in entry else None
        if code in listed:
            found.add(item, f"单位代码“{code}”写了两次。")
        if name in names:
            found.add(item, f"单位名称“{name}”写了两次，场景里将无法分辨。")
        names.add(name)
        boundary = read_boundary(entry["boundary"], found.add) if "boundary" in entry else None
        point = read_point(entry["point"], found.add) if "point" in entry else None
        address = text_of(entry["address"], "address", found) if "address" in entry else None
        phone = text_of(entry["phone"], "phone", found) if "phone" in entry else None
        if phone is not None and not _PHONE.match(phone):
            found.add(entry["phone"], "phone（电话）只写数字、空格和连接符，例如 010-12345678。")
        region = text_of(entry["region"], "region", found) if "region" in entry else None
        if region and not _REGION.match(region):
            found.add(entry["region"], f"region（日历的键）只用小写字母、数字和下划线，现在是“{region}”。")
        where = entry["region"].start_mark.line + 1 if "region" in entry else 0
        line = UnitLine(code, name, kind, tier, parent, "", boundary, point, address, phone, region, where)
        listed[code] = (item, line)
    if not listed:
        found.add(node, "缺少 units（单位），至少要有一个。")
    return _with_paths(listed, found)


def _with_paths(listed: dict[str, tuple[Any, UnitLine]], found: Findings) -> dict[str, UnitLine]:
    placed: dict[str, UnitLine] = {}
    waiting = dict(listed)
    while waiting:
        ready = [c for c, (_, unit) in waiting.items() if unit.parent is None or unit.parent in placed]
        for code in ready:
            item, unit = waiting.pop(code)
            path = f"{placed[unit.parent].path}/{code}" if unit.parent is not None else code
            if len(path) > 255:
                found.add(item, f"单位“{code}”的层级路径超过 255 个字符，请缩短代码。")
            placed[code] = replace(unit, path=path)
        if not ready:
            for item, unit in waiting.values():
                if unit.parent not in listed:
                    near = get_close_matches(unit.parent or "", listed, 1)
                    hint = f"，是不是“{near[0]}”？" if near else "。"
                    found.add(item, f"单位“{unit.code}”的上级“{unit.parent}”不存在{hint}")
                else:
                    found.add(item, f"单位“{unit.code}”的上级不存在，或上下级绕成了圈。")
            break
    return placed


def _people(
    node: Any, roles: dict[str, RoleLine], units: dict[str, UnitLine], found: Findings
) -> list[PersonLine]:
    people: list[PersonLine] = []
    logins: set[str] = set()
    names: set[str] = set()
    for item in items_of(node, "people", found):
        entry = mapping(item, ("login", "name", "kind", "password", "appointments", "topics"), "人员", found)
        missing = [needed for needed in ("login", "name", "appointments") if needed not in entry]
        for needed in missing:
            found.add(item, f"人员缺少“{needed}”。")
        if missing:
            continue
        login = text_of(entry["login"], "login", found, lambda text: bool(_LOGIN.match(text)))
        name = text_of(entry["name"], "name", found)
        kind = text_of(entry["kind"], "kind", found) if "kind" in entry else "person"
        if kind not in ("person", "service"):
            found.add(entry["kind"], f"kind 只能是 person 或 service，现在是“{kind}”。")
        for value, seen, what in ((login, logins, "账号"), (name, names, "姓名")):
            if value in seen:
                found.add(item, f"{what}“{value}”写了两次。")
            seen.add(value)
        password = text_of(entry["password"], "password", found) if "password" in entry else None
        held = [
            _appointment(one, roles, units, found)
            for one in items_of(entry["appointments"], "appointments", found)
        ]
        if not held:
            found.add(item, f"人员“{name}”至少要有一个任职（appointments）。")
        topics = _topics(entry.get("topics"), kind, found)
        people.append(PersonLine(login, name, kind, password, tuple(dict.fromkeys(held)), topics))
    return people


def _residents(
    node: Any, people: list[PersonLine], units: dict[str, UnitLine], found: Findings
) -> list[ResidentLine]:
    residents: list[ResidentLine] = []
    known = ("login", "name", "password", "communities", *REAL)
    for item in items_of(node, "residents", found):
        entry = mapping(item, known, "居民", found)
        missing = [needed for needed in ("login", "name", "communities") if needed not in entry]
        for needed in missing:
            found.add(item, f"居民缺少“{needed}”。")
        if missing:
            continue
        login = text_of(entry["login"], "login", found, lambda text: bool(_LOGIN.match(text)))
        name = text_of(entry["name"], "name", found)
        for value, of, what in ((login, "login", "账号"), (name, "name", "姓名")):
            if value in {getattr(other, of) for other in (*people, *residents)}:
                found.add(item, f"{what}“{value}”写了两次。")
        password = text_of(entry["password"], "password", found) if "password" in entry else None
        told = {each: text_of(entry[each], each, found) for each in REAL if each in entry}
        if told and len(told) < len(REAL):
            found.add(item, f"{'、'.join(REAL)} 要么都写，要么都不写。")
        codes = []
        for one in items_of(entry["communities"], "communities", found):
            code = text_of(one, "communities", found)
            if code and (code not in units or units[code].tier != "community"):
                found.add(one, f"“{code}”不是一个社区（tier 是 community 的单位）的代码。")
            codes.append(code)
        residents.append(ResidentLine(login, name, password, tuple(dict.fromkeys(codes)), told or None))
    return residents


def _topics(node: Any, kind: str, found: Findings) -> tuple[str, ...]:
    if node is not None and kind != "service":
        found.add(node, "topics（外部任务的主题）只能给系统账号，请写 kind: service，或删去。")
    named = []
    for one in items_of(node, "topics", found):
        topic = text_of(one, "topics", found)
        if topic and not _TOPIC.fullmatch(topic):
            found.add(one, f"主题“{topic}”的写法不对：{PATTERN_SAYS}。")
        named.append(topic)
    return tuple(dict.fromkeys(named))


def _appointment(
    node: Any, roles: dict[str, RoleLine], units: dict[str, UnitLine], found: Findings
) -> tuple[str, str]:
    entry = mapping(node, ("role", "unit"), "任职", found)
    answer = []
    for name, known, what in (("role", roles, "角色"), ("unit", units, "单位代码")):
        if name not in entry:
            found.add(node, f"任职缺少“{name}”。")
            answer.append("")
            continue
        value = text_of(entry[name], name, found)
        if value and value not in known:
            near = get_close_matches(value, known, 1)
            hint = f"，是不是“{near[0]}”？" if near else "。"
            found.add(entry[name], f"没有“{value}”这个{what}{hint}")
        answer.append(value)
    return answer[0], answer[1]
