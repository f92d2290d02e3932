"""Whom the servers run as: PostgreSQL refuses root, so root hands them to an account that owns nothing."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from app.cli.local import LocalRefused

SERVICE = "nobody"


@dataclass(frozen=True)
class Account:
    """An existing account of this machine; none is ever created."""

    name: str
    uid: int
    gid: int


def service_account() -> Account | None:
    """The account of the servers when we are root; None means: run them as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SERVICE)
    except KeyError:
        raise LocalRefused(f"以 root 运行时需要系统账号 {SERVICE}，本机没有；请改用普通用户运行。") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def must_reach(folder: Path, account: Account | None) -> None:
    """Refuses a folder that the account cannot walk to; the folders above it are never changed."""
    if account is None:
        return
    for above in folder.resolve().parents:
        if above.exists() and not _may_enter(above.stat(), account):
            mode = stat.filemode(above.stat().st_mode)
            raise LocalRefused(
                f"数据库以账号 {account.name} 运行，进不了目录 {above}（权限 {mode}）；"
                "请用 HUYING_DATA 指定别处，例如 HUYING_DATA=/var/lib/huying/demo。"
            )


def _may_enter(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def own_folder(folder: Path, account: Account | None) -> Path:
    """Makes a folder of mode 700 that belongs to the account; somebody else's is refused."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    owner = os.geteuid() if account is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
        raise LocalRefused(f"{folder} 已存在，且不属于本程序的账号；请先移走它。")
    if account is not None and found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    return folder
