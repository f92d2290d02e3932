"""What any request may be answered: told once in the OpenAPI document, under `default`."""

from app.core.errors import (
    DatabaseUnavailable,
    LengthRequired,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    StorageFull,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedMedia,
    slug_of,
    title_of,
)
from app.core.http.etag import IfMatchInvalid
from app.core.http.fields import FieldsRefused
from app.core.http.gate import BodyTruncated, HostUnknown, IdempotencyKeyMissing, QueryRefused, TokenInvalid
from app.core.http.idempotent import IdempotencyKeyInvalid
from app.core.http.pages import CursorInvalid
from app.core.http.problem import HeadersTooLarge, InternalError, UriTooLong
from app.core.http.strict_json import (
    JsonDuplicateKey,
    JsonInvalidNumber,
    JsonMalformed,
    JsonTooBig,
    JsonTooDeep,
    TextInvalidCharacter,
)
from app.core.once import IdempotencyInFlight, IdempotencyKeyReused

EVERYWHERE: tuple[type[Problem], ...] = (
    HostUnknown,
    BodyTruncated,
    JsonMalformed,
    JsonDuplicateKey,
    JsonTooDeep,
    JsonTooBig,
    JsonInvalidNumber,
    IdempotencyKeyMissing,
    IdempotencyKeyInvalid,
    IfMatchInvalid,
    NotSignedIn,
    TokenInvalid,
    NotFound,
    NotAllowed,
    IdempotencyInFlight,
    LengthRequired,
    TooLarge,
    UriTooLong,
    UnsupportedMedia,
    TextInvalidCharacter,
    FieldsRefused,
    QueryRefused,
    CursorInvalid,
    IdempotencyKeyReused,
    TooMany,
    HeadersTooLarge,
    InternalError,
    Unavailable,
    DatabaseUnavailable,
    StorageFull,
)


def told() -> str:
    """A line for each, as the document has them."""
    lines = [f"`{slug_of(kind)}` {kind.status} {title_of(kind)}" for kind in EVERYWHERE]
    return "\n\n".join(["出错时的统一格式。每个请求都可能得到：", *lines])
