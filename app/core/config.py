"""Every setting, its default and the reason for it, read once from the environment."""

import math
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PROFILES = ("demo", "trial", "test", "production")
SM4_PROVIDERS = ("openssl", "gmssl")
SHORTEST_LEASE = 2
REPOSITORY = Path(__file__).resolve().parents[2]


class SettingRefused(ValueError):
    """配置有误。"""


@dataclass(frozen=True)
class Rate:
    """Requests a second, and how many of them may write."""

    requests: float
    writes: float


LIMITS = "person=20/5,service=100/50"
"""In service: nobody opens twenty pages a second, and a partner's rush must leave room for people."""


@dataclass(frozen=True)
class Settings:
    """One process's configuration; `from_environment` names the variable of each field."""

    profile: str = "trial"
    """HUYING_PROFILE: demo, trial (SQLite), test or production; decides what start-up refuses."""
    database_url: str = ""
    """DATABASE_URL: PostgreSQL 14+ for service, SQLite is the trial mode; none is ever guessed."""
    redis_url: str | None = None
    """REDIS_URL: Redis or Valkey that wakes workers; without it the ticker works by itself."""
    bpmn_dir: Path = REPOSITORY / "bpmn"
    """HUYING_BPMN: the folder whose folders are processes."""
    connectors: Path | None = None
    """HUYING_CONNECTORS: the file that names the systems we send to; without it what is to be sent waits."""
    calendar: str = "cn"
    """HUYING_CALENDAR: the region whose calendar counts working time."""
    files: Path | None = None
    """HUYING_FILES: the folder of attachments, beside the database in every backup; none is ever guessed."""
    scanner: str | None = None
    """HUYING_SCANNER: a command that looks for viruses in the file named at its end: 0 clean, 1 found."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """HUYING_HOSTS: names a request may be addressed to; others get 400, so no link is forged."""
    trusted_proxies: int = 0
    """HUYING_TRUSTED_PROXIES: how many proxies in front may set X-Forwarded-*; 0 trusts none."""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """HUYING_SECRET: signs page cursors; without it they end with the process."""
    keys: Path | None = None
    """HUYING_KEYS: the keyring file, outside the database; who has one without the other can read nothing."""
    sm4: str = "openssl"
    """HUYING_SM4: what new values are sealed with; gmssl is the same algorithm, many times slower."""
    token_hours: int = 12
    """HUYING_TOKEN_HOURS: life of a bearer token; one working day."""
    web_threads: int = 4
    """HUYING_WEB_THREADS: threads of a web process and size of its database pool; more than 4 hurt."""
    waiting: int = 60
    """HUYING_WAITING: requests that may wait for one of these threads; more are told 503 at once."""
    limits: Mapping[str, Rate] | None = None
    """HUYING_LIMITS: requests/writes a second of one person and one service, each process; elsewhere off."""
    tick_seconds: float = 1.0
    """HUYING_TICK_SECONDS: pause between two looks for due timers; ± 20 % so tickers spread."""
    lease_seconds: int = 50
    """HUYING_LEASE_SECONDS: how long claimed timers are a worker's; a killed one's are then taken over."""
    idempotency_hours: int = 24
    """HUYING_IDEMPOTENCY_HOURS: how long an answer is kept for a repeated request."""

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise SettingRefused(f"HUYING_PROFILE 只能是 {'、'.join(PROFILES)}，现在是 {self.profile!r}。")
        if self.database_url:
            _check_database(self.database_url)
        if self.sm4 not in SM4_PROVIDERS:
            raise SettingRefused(f"HUYING_SM4 只能是 {'、'.join(SM4_PROVIDERS)}，现在是 {self.sm4!r}。")
        if self.lease_seconds < SHORTEST_LEASE:
            raise SettingRefused(
                f"HUYING_LEASE_SECONDS 至少为 {SHORTEST_LEASE}，不能是 {self.lease_seconds}。"
            )

    @property
    def trial(self) -> bool:
        """Whether the database is SQLite: no second writer, no proof against the database's owner."""
        return self.database_url.startswith("sqlite")

    @property
    def server_threads(self) -> int:
        """Threads of the server: at work, waiting, and a few that tell the rest to come later."""
        return self.web_threads + self.waiting + 4

    def database(self) -> str:
        """The database's URL; SettingRefused when nobody named one."""
        if not self.database_url:
            raise SettingRefused(f"没有设 DATABASE_URL。请写明数据库：{_EXAMPLES}")
        return self.database_url


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; a wrong value raises SettingRefused that names it."""
    given: dict[str, object] = {}
    url = environ.get("DATABASE_URL")
    if url:
        given["database_url"] = _with_driver(url)
    if environ.get("REDIS_URL"):
        if not environ["REDIS_URL"].startswith(("redis://", "rediss://", "unix://")):
            raise SettingRefused("REDIS_URL 应以 redis://、rediss:// 或 unix:// 开头。")
        given["redis_url"] = environ["REDIS_URL"]
    if environ.get("HUYING_PROFILE"):
        given["profile"] = environ["HUYING_PROFILE"]
    if environ.get("HUYING_BPMN"):
        given["bpmn_dir"] = Path(environ["HUYING_BPMN"])
        if not Path(environ["HUYING_BPMN"]).is_dir():
            raise SettingRefused(f"HUYING_BPMN 指的文件夹 {environ['HUYING_BPMN']} 不存在。")
    if environ.get("HUYING_CONNECTORS"):
        given["connectors"] = Path(environ["HUYING_CONNECTORS"])
        if not Path(environ["HUYING_CONNECTORS"]).is_file():
            raise SettingRefused(f"HUYING_CONNECTORS 指的文件 {environ['HUYING_CONNECTORS']} 不存在。")
    if environ.get("HUYING_FILES"):
        given["files"] = Path(environ["HUYING_FILES"])
        if not Path(environ["HUYING_FILES"]).is_absolute():
            raise SettingRefused("HUYING_FILES 应为绝对路径。")
    if environ.get("HUYING_SCANNER"):
        given["scanner"] = environ["HUYING_SCANNER"]
    if environ.get("HUYING_HOSTS"):
        given["hosts"] = tuple(host.strip() for host in environ["HUYING_HOSTS"].split(",") if host.strip())
    if environ.get("HUYING_SECRET"):
        given["secret"] = environ["HUYING_SECRET"].encode()
    if environ.get("HUYING_CALENDAR"):
        given["calendar"] = environ["HUYING_CALENDAR"]
    if environ.get("HUYING_KEYS"):
        given["keys"] = Path(environ["HUYING_KEYS"])
    if environ.get("HUYING_SM4"):
        given["sm4"] = environ["HUYING_SM4"]
    for name, field_name, least in (
        ("HUYING_TRUSTED_PROXIES", "trusted_proxies", 0),
        ("HUYING_TOKEN_HOURS", "token_hours", 1),
        ("HUYING_WEB_THREADS", "web_threads", 1),  # a pool of 0 would be one without a bound
        ("HUYING_WAITING", "waiting", 0),
        ("HUYING_LEASE_SECONDS", "lease_seconds", SHORTEST_LEASE),
        ("HUYING_IDEMPOTENCY_HOURS", "idempotency_hours", 1),
    ):
        if environ.get(name):
            given[field_name] = _number(name, environ[name], int, least)
    if environ.get("HUYING_TICK_SECONDS"):
        # Shorter than this, the ticker does nothing but ask the database.
        given["tick_seconds"] = _number("HUYING_TICK_SECONDS", environ["HUYING_TICK_SECONDS"], float, 0.05)
    usual = LIMITS if given.get("profile") == "production" else "off"
    given["limits"] = _limits(environ.get("HUYING_LIMITS") or usual)
    made = Settings(**given)  # type: ignore[arg-type]  # the names above are the fields
    if made.profile == "production" and made.trial:
        raise SettingRefused(
            "正式环境（HUYING_PROFILE=production）须用 PostgreSQL，DATABASE_URL 不能是 SQLite。"
        )
    if made.profile == "production" and made.files is None:
        raise SettingRefused("正式环境须用 HUYING_FILES 指定存放附件的文件夹，并与数据库一起备份。")
    return made


def _number(name: str, text: str, kind: type, least: float) -> int | float:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingRefused(f"{name} 应为数字，现在是 {text!r}。")
    if value < least:
        raise SettingRefused(f"{name} 至少为 {least}，不能是 {text}。")
    return value  # type: ignore[no-any-return]


_RATES = re.compile(r"person=([0-9.]+)/([0-9.]+),service=([0-9.]+)/([0-9.]+)")


def _limits(text: str) -> Mapping[str, Rate] | None:
    if text == "off":
        return None
    found = _RATES.fullmatch(text)
    if found is None:
        raise SettingRefused(f"HUYING_LIMITS 应写作 {LIMITS} 或 off，现在是 {text!r}。")
    rates = [_number("HUYING_LIMITS", each, float, 0.1) for each in found.groups()]
    return {"person": Rate(rates[0], rates[1]), "service": Rate(rates[2], rates[3])}


def _with_driver(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url[len(plain) :]
    return url


_EXAMPLES = "postgresql://用户:口令@主机/库名，试用可写 sqlite:////绝对路径/huying.db。"


def _check_database(url: str) -> None:
    from sqlalchemy.engine import make_url  # not at the top: `huying --help` needs no database

    try:
        parsed = make_url(url)
    except Exception:  # whatever it stumbles over; the text itself may hold a password
        raise SettingRefused(f"DATABASE_URL 写得不对，应为 {_EXAMPLES}") from None
    if parsed.drivername not in ("postgresql+psycopg", "sqlite"):
        raise SettingRefused(f"DATABASE_URL 里的数据库 {parsed.drivername} 不支持，应为 {_EXAMPLES}")
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise SettingRefused(f"DATABASE_URL 没有写 SQLite 的文件，应为 {_EXAMPLES}")


_chosen: list[Settings] = []


@cache
def _environment() -> Settings:
    return from_environment(os.environ)


def settings() -> Settings:
    """The settings of this process."""
    return _chosen[-1] if _chosen else _environment()


def use(chosen: Settings | None) -> None:
    """Replaces the settings of this process (tests); None goes back to the environment."""
    _chosen.clear()
    if chosen is not None:
        _chosen.append(chosen)
