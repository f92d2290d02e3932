"""What a person reads once everything runs: the address, three logins, and a story to paste."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from app.cli.local import folder
from app.cli.local.played import CITY, GRID
from app.core.config import REPOSITORY, settings

ROLES = ("dispatcher", "handler", "supervisor")
MORE = ("reviewer", "process_admin")
NOTE = "注意："
"""How a line of `huying demo load` begins that is repeated once everything runs."""
STORY = re.compile(r"^```sh story\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FULL = ".venv/bin/huying demo fill"
ADDRESS = "http://127.0.0.1:8000"
"""The address that the documents use; what is printed names the real one."""


def text(
    address: str,
    data: Path,
    *,
    trial: bool,
    demo: bool,
    played: Mapping[str, str] = MappingProxyType({}),
    notes: Sequence[str] = (),
) -> str:
    """The greeting of `huying up`; `notes` are said last, where they are seen."""
    lines = ["", f"呼应已启动：{address}", ""]
    if trial:
        lines += ["  试用模式：数据库是 SQLite，只适合一台机器上试用，不要用于正式办公。"]
    lines += [f"  接口说明  {address}/openapi.json", f"  数据目录  {data}（日志在其中的 logs/）"]
    if demo:
        org = settings().bpmn_dir / "_org.yaml"
        people = logins(org, ROLES)
        lines += ["", "  示范账号（口令公开，只用于演示）："]
        lines += [f"    {login}  口令 {password}  {name}（{role}）" for login, password, name, role in people]
        others = "、".join(f"{login}（{role}）" for login, _, _, role in logins(org, MORE))
        lines += [f"    {login}  口令 {password}  {name}（居民）" for login, password, name in resident(org)]
        lines += [f"  还有 {others} 等，口令是 demo- 加账号；全部账号见 {org}"]
        if city := played.get(CITY):
            lines += ["", f"  模拟的市级 12345 平台在 {city}：每隔一阵派来一件工单，收回复，再回访；"]
            lines += [f"  马上再派一件：curl -X POST {city}/dispatch（不要它：make run ARGS=--no-stub）"]
        if grid := played.get(GRID):
            lines += [f"  模拟的区网格中心在 {grid}：收“问题跟踪”的上报，一步步处置；"]
            lines += [f"  马上走一步：curl -X POST {grid}/hurry"]
        told = story(address, data)
        if told:
            lines += ["", "  另开一个终端，粘贴下面几行，就能看着工单从登记走到归档：", "", told.rstrip()]
            lines += ["", "  再粘贴这一行，一两分钟装好每个流程的每种状态和过去六十天的 300 件：", "", FULL]
    lines += ["", "  停止：Ctrl-C。数据会保留；make run ARGS=--fresh 会清空数据，从头开始。", ""]
    if notes:
        lines += [*(f"  {note}" for note in notes), ""]
    return "\n".join(lines)


def logins(file: Path, roles: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """One (login, password, name, role's name) for each role, from the organisation file of the demo."""
    import yaml

    org = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    found = []
    for role in roles:
        for person in org["people"]:
            holds = [appointment["role"] for appointment in person["appointments"]]
            if role in holds and person.get("password"):
                found.append(
                    (person["login"], person["password"], person["name"], org["roles"][role]["name"])
                )
                break
    return found


def resident(file: Path) -> list[tuple[str, str, str]]:
    """(login, password, name) of the first resident who can sign in; nobody where the file names none."""
    import yaml

    org = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    known = [each for each in org.get("residents", ()) if each.get("password")]
    return [(each["login"], each["password"], each["name"]) for each in known[:1]]


def story(address: str, data: Path, readme: Path = REPOSITORY / "README.md") -> str:
    """The block marked ```sh story of the README, for any terminal beside this run."""
    told = STORY.search(readme.read_text()) if readme.exists() else None
    if told is None:
        return ""
    lines = told.group(1).replace(ADDRESS, address)
    if data != folder.chosen(None):
        lines = f"export HUYING_DATA={shlex.quote(str(data))}\n{lines}"
    return f"cd {shlex.quote(str(REPOSITORY))}\n{lines}"
