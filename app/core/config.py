"""Every setting, its default and the reason for it, read once from the environment."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PROFILES = ("demo", "trial", "test", "production")
SHORTEST_LEASE = 2
REPOSITORY = Path(__file__).resolve().parents[2]


class SettingRefused(ValueError):
    """配置有误。"""


@dataclass(frozen=True)
class Settings:
    """One process's configuration; `from_environment` names the variable of each field."""

    profile: str = "trial"
    """HUYING_PROFILE: demo, trial (SQLite), test or production; decides what start-up refuses."""
    database_url: str = "sqlite:///huying.db"
    """DATABASE_URL: PostgreSQL 14+ for service; SQLite is the trial mode."""
    redis_url: str | None = None
    """REDIS_URL: Redis or Valkey that wakes workers; without it the ticker works by itself."""
    bpmn_dir: Path = REPOSITORY / "bpmn"
    """HUYING_BPMN: the folder whose folders are processes."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """HUYING_HOSTS: names a request may be addressed to; others get 400, so no link is forged."""
    trusted_proxies: int = 0
    """HUYING_TRUSTED_PROXIES: how many proxies in front may set X-Forwarded-*; 0 trusts none."""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """HUYING_SECRET: signs page cursors; without it they end with the process."""
    token_hours: int = 12
    """HUYING_TOKEN_HOURS: life of a bearer token; one working day."""
    web_threads: int = 4
    """HUYING_WEB_THREADS: threads of a web process and size of its database pool; more than 4 hurt."""
    tick_seconds: float = 1.0
    """HUYING_TICK_SECONDS: pause between two looks for due timers; ± 20 % so tickers spread."""
    lease_seconds: int = 50
    """HUYING_LEASE_SECONDS: how long claimed timers are a worker's; a killed one's are then taken over."""
    idempotency_hours: int = 24
    """HUYING_IDEMPOTENCY_HOURS: how long an answer is kept for a repeated request."""

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise SettingRefused(f"HUYING_PROFILE 只能是 {'、'.join(PROFILES)}，现在是 {self.profile!r}。")
        if self.lease_seconds < SHORTEST_LEASE:
            raise SettingRefused(
                f"HUYING_LEASE_SECONDS 至少为 {SHORTEST_LEASE}，不能是 {self.lease_seconds}。"
            )

    @property
    def trial(self) -> bool:
        """Whether the database is SQLite: no second writer, no proof against the database's owner."""
        return self.database_url.startswith("sqlite")


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; a wrong value raises SettingRefused that names it."""
    given: dict[str, object] = {}
    url = environ.get("DATABASE_URL")
    if url:
        given["database_url"] = _with_driver(url)
    if environ.get("REDIS_URL"):
        given["redis_url"] = environ["REDIS_URL"]
    if environ.get("HUYING_PROFILE"):
        given["profile"] = environ["HUYING_PROFILE"]
    if environ.get("HUYING_BPMN"):
        given["bpmn_dir"] = Path(environ["HUYING_BPMN"])
    if environ.get("HUYING_HOSTS"):
        given["hosts"] = tuple(host.strip() for host in environ["HUYING_HOSTS"].split(",") if host.strip())
    if environ.get("HUYING_SECRET"):
        given["secret"] = environ["HUYING_SECRET"].encode()
    for name, field_name in (
        ("HUYING_TRUSTED_PROXIES", "trusted_proxies"),
        ("HUYING_TOKEN_HOURS", "token_hours"),
        ("HUYING_WEB_THREADS", "web_threads"),
        ("HUYING_LEASE_SECONDS", "lease_seconds"),
        ("HUYING_IDEMPOTENCY_HOURS", "idempotency_hours"),
    ):
        if environ.get(name):
            given[field_name] = _number(name, environ[name], int)
    if environ.get("HUYING_TICK_SECONDS"):
        given["tick_seconds"] = _number("HUYING_TICK_SECONDS", environ["HUYING_TICK_SECONDS"], float)
    return Settings(**given)  # type: ignore[arg-type]  # the names above are the fields


def _number(name: str, text: str, kind: type) -> int | float:
    try:
        value = kind(text)
    except ValueError:
        raise SettingRefused(f"{name} 应为数字，现在是 {text!r}。") from None
    if value < 0:
        raise SettingRefused(f"{name} 不能为负数，现在是 {text!r}。")
    return value  # type: ignore[no-any-return]


def _with_driver(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url[len(plain) :]
    return url


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
