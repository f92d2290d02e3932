"""A question for attachments takes ids of attachments of this case, of the kinds and sizes it names."""

from typing import Any

import pytest

from app.bundles.data_fields import DataField
from app.bundles.form_schema import json_schema
from app.bundles.forms import AnswersRefused, Form, FormField
from app.bundles.lookups import FileFact, FixedLookups

ONE, TWO, THREE = (f"019f6839-1800-7b52-9d0e-0a6f6a1f3c1{n}" for n in (1, 2, 3))
PHOTOS = DataField("photos", "files", "照片", longest=2, kinds=("image",), each=1024 * 1024)
FORM = Form("f", "表", (FormField(PHOTOS),))


@pytest.fixture
def case(world: FixedLookups) -> FixedLookups:
    files = (
        FileFact(ONE, "灯.jpg", "image", 500_000),
        FileFact(TWO, "函.pdf", "pdf", 10_000),
        FileFact(THREE, "大图.png", "image", 2_000_000),
    )
    return FixedLookups(world.now, all_files=files)


def test_ids_of_attachments_of_the_case_are_taken_once_each(case: FixedLookups):
    assert FORM.check({"photos": [ONE, ONE.upper()]}, {}, case) == {"photos": [ONE]}


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ("x", "not-a-list", "列表"),
        (["../etc/passwd"], "not-an-attachment", "先上传附件"),
        (["019f6839-1800-7b52-9d0e-0a6f6a1f3c19"], "attachment-unknown", "不是这件办件的"),
        ([TWO], "attachment-kind", "“函.pdf”不能用在这里，只收图片"),
        ([THREE], "attachment-too-large", "“大图.png”太大，每个最大 1 MB"),
        ([ONE, TWO, THREE], "too-many", "最多 2 个附件，现在有 3 个"),
    ],
)
def test_what_is_no_fitting_attachment_is_refused(case: FixedLookups, answer: Any, code: str, says: str):
    with pytest.raises(AnswersRefused) as refused:
        FORM.check({"photos": answer}, {}, case)

    (error,) = refused.value.errors
    assert (error.pointer, error.code, says in error.message) == ("/answers/photos", code, True), (
        error.message
    )


def test_clients_see_what_is_taken():
    schema = json_schema(FORM)["properties"]["photos"]["anyOf"][0]

    assert schema == {
        "type": "array",
        "items": {"type": "string", "x-type": "file", "x-maxBytes": 1048576, "x-kinds": ["image"]},
        "maxItems": 2,
        "uniqueItems": True,
    }
