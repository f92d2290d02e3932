"""Strict JSON: what comes in is exactly what was written, or it is refused with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Problem
from app.core.http import strict_json
from app.core.http.strict_json import parse

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20).map(
    lambda text: __import__("unicodedata").normalize("NFC", text)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_is_written_properly_is_read_as_it_was_written(value: Any) -> None:
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value
    assert parse(json.dumps(value, indent=1).encode()) == value


@given(st.binary(max_size=60))
def test_no_bytes_at_all_lead_to_anything_but_a_value_or_a_problem(raw: bytes) -> None:
    try:
        value = parse(raw)
    except Problem as problem:
        refused = problem
    else:
        assert json.loads(raw) == value or value != value
        return
    assert refused.status in (400, 422)


@pytest.mark.parametrize(
    ("raw", "slug", "pointer"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "json-duplicate-key", "/a"),
        (b'{"x": [{"\\u0061": 1, "a": 2}]}', "json-duplicate-key", "/a"),
        ('{"\u00e9": 1, "e\u0301": 2}'.encode(), "json-duplicate-key", ""),
        (b'{"a": ["x", "b\\u0000c"]}', "text-invalid-character", "/a/1"),
        (b'{"a": {"b/c": "\\ud800"}}', "text-invalid-character", "/a/b~1c"),
        (b'{"a": "\x07"}', "text-invalid-character", "/a"),
        (b'{"a": "\\u009b31m"}', "text-invalid-character", "/a"),
        (b'{"a": 9223372036854775808}', "json-invalid-number", "/a"),
        (b'{"a": 123456789012345678901234567890}', "json-invalid-number", "/a"),
        (b'{"a": ' + b"9" * 5000 + b"}", "json-invalid-number", None),
        (b'{"a": NaN}', "json-invalid-number", None),
        (b'{"a": -Infinity}', "json-invalid-number", None),
        (b'{"a": 1e400}', "json-invalid-number", None),
        (b"[" * 100_000, "json-too-deep", None),
        (b"[" * 33 + b"]" * 33, "json-too-deep", None),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "json-too-deep", None),
        (b"[" + b"1," * 10_000 + b"1]", "json-too-big", None),
        (b"\xef\xbb\xbf{}", "json-malformed", None),
        (b"{} {}", "json-malformed", None),
        (b'"\xff\xfe"', "json-malformed", None),
        (b"", "json-malformed", None),
        (b"{'a': 1}", "json-malformed", None),
    ],
)
def test_what_a_database_or_a_hash_would_choke_on_is_refused(
    raw: bytes, slug: str, pointer: str | None
) -> None:
    with pytest.raises(Problem) as caught:
        parse(raw)

    assert caught.value.slug == slug
    if pointer is not None:
        assert [error.pointer for error in caught.value.errors] == [pointer]


def test_the_deepest_and_longest_that_is_allowed_comes_through() -> None:
    assert parse(b"[" * 32 + b"]" * 32) is not None
    assert len(parse(b"[" + b"1," * 9_999 + b"1]")) == 10_000


def test_text_becomes_nfc_and_keeps_its_lines() -> None:
    assert parse('{"cafe\u0301": "e\u0301\\n\\t"}'.encode()) == {"caf\u00e9": "\u00e9\n\t"}


def test_a_colon_inside_a_text_is_no_second_key() -> None:
    assert parse(b'{"a": "b\\": c", "d\\\\": ":"}') == {"a": 'b": c', "d\\": ":"}


def test_a_pointer_escapes_what_json_pointer_demands() -> None:
    assert strict_json.pointer("a/b", "m~n", 0) == "/a~1b/m~0n/0"
