"""What can go wrong, drawn first: a class is a problem, its docstring is the title that a person reads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One wrong field: `pointer` is a JSON pointer into what was sent, `message` is Chinese."""

    pointer: str
    code: str
    message: str


class Problem(Exception):
    """出错了。"""

    status: ClassVar[int] = 500
    slug_of_class: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    @property
    def title(self) -> str:
        return title_of(type(self))

    @property
    def slug(self) -> str:
        return slug_of(type(self))


def slug_of(problem: type[Problem]) -> str:
    """`TaskTaken` → `task-taken`; a class may name its own."""
    return problem.__dict__.get("slug_of_class") or re.sub(r"(?<!^)(?=[A-Z])", "-", problem.__name__).lower()


def title_of(problem: type[Problem]) -> str:
    return " ".join((problem.__doc__ or "").split()) or "出错了。"


class BadRequest(Problem):
    """请求格式有误。"""

    status = 400


class NotSignedIn(Problem):
    """请先登录。"""

    status = 401


class Forbidden(Problem):
    """您没有办理此事的权限。"""

    status = 403
    slug_of_class = "forbidden-action"


class NotFound(Problem):
    """没有找到，或不在您的范围内。"""

    status = 404


class NotAllowed(Problem):
    """此地址不支持这种请求方法。"""

    status = 405
    slug_of_class = "method-not-allowed"


class Conflict(Problem):
    """当前状态下不能这样办理。"""

    status = 409


class Gone(Problem):
    """已停用。"""

    status = 410


class LengthRequired(Problem):
    """请求必须注明长度（Content-Length）。"""

    status = 411


class Stale(Problem):
    """页面内容已过期，请刷新后再办。"""

    status = 412


class TooLarge(Problem):
    """内容太大。"""

    status = 413


class UnsupportedMedia(Problem):
    """不支持这种内容格式，请发送 JSON。"""

    status = 415


class Unprocessable(Problem):
    """填写内容有误。"""

    status = 422


class IfMatchMissing(Problem):
    """请带上 If-Match，写明您看到的版本号（ETag）。"""

    status = 428


class TooMany(Problem):
    """请求太频繁，请稍后再试。"""

    status = 429
    slug_of_class = "too-many-requests"


class Unavailable(Problem):
    """服务暂时不可用，请稍后再试。"""

    status = 503
    slug_of_class = "overloaded"


class DatabaseUnavailable(Unavailable):
    """数据库暂时无法连接，请稍后再试。"""

    slug_of_class = "database-unavailable"


class StorageFull(Unavailable):
    """存储空间已满，暂时不能保存；已保存的内容没有丢失。"""

    slug_of_class = "storage-full"
