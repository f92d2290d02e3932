"""What a file is, told by its content."""

from pathlib import Path

import pytest

from app.bundles.data_fields import FILE_KINDS
from app.cases.attachments import kinds, names
from app.cases.attachments.errors import FileContentMismatch, FileTypeNotAllowed
from tests.files import MADE


@pytest.mark.parametrize(
    ("what", "name", "mime", "kind"),
    [
        ("jpeg", "a.jpg", "image/jpeg", "image"),
        ("jpeg", "a.JPEG", "image/jpeg", "image"),
        ("jpeg", "照片", "image/jpeg", "image"),
        ("png", "a.png", "image/png", "image"),
        ("webp", "a.webp", "image/webp", "image"),
        ("pdf", "a.pdf", "application/pdf", "pdf"),
        ("docx", "a.docx", kinds.DOCX.mime, "office"),
        ("xlsx", "a.xlsx", kinds.XLSX.mime, "office"),
        ("pptx", "a.pptx", kinds.PPTX.mime, "office"),
        ("ofd", "a.ofd", "application/ofd", "office"),
        ("gbk", "a.txt", "text/plain", "office"),
        ("gbk", "a.csv", "text/csv", "office"),
        ("gbk", "说明", "text/plain", "office"),
        ("mp3", "a.mp3", "audio/mpeg", "audio"),
        ("mp3-bare", "a.mp3", "audio/mpeg", "audio"),
        ("wav", "a.wav", "audio/wav", "audio"),
        ("amr", "a.amr", "audio/amr", "audio"),
        ("m4a", "a.m4a", "audio/mp4", "audio"),
        ("mp4", "录音.m4a", "audio/mp4", "audio"),
        ("mp4", "a.mp4", "video/mp4", "video"),
        ("mov", "a.mov", "video/quicktime", "video"),
    ],
)
def test_each_type_is_recognised(tmp_path: Path, what: str, name: str, mime: str, kind: str) -> None:
    file = tmp_path / "draft"
    file.write_bytes(MADE[what]())

    found = kinds.recognise(file, name)

    assert (found.mime, found.kind) == (mime, kind)
    assert kind in FILE_KINDS
    assert names.ending_of(names.clean(name, found.ending)) in found.endings


@pytest.mark.parametrize("what", [name for name in MADE if name != "photo"])
def test_no_type_is_taken_under_the_name_of_another(tmp_path: Path, what: str) -> None:
    file = tmp_path / "draft"
    file.write_bytes(MADE[what]())
    taken = set()

    for each in kinds.TYPES:
        try:
            taken.add(kinds.recognise(file, f"a.{each.ending}").mime)
        except (FileTypeNotAllowed, FileContentMismatch):
            continue

    families = [{"text/plain", "text/csv"}, {"audio/mp4", "video/mp4"}]
    assert len(taken) <= 1 or taken in families


@pytest.mark.parametrize("size", [0, 1, 3, 4, 11, 12, 21, 22])
@pytest.mark.parametrize("what", ["jpeg", "png", "pdf", "docx", "mp4", "wav", "mp3", "ofd"])
def test_a_stump_of_any_file_is_refused_or_recognised_and_breaks_nothing(
    tmp_path: Path, what: str, size: int
) -> None:
    file = tmp_path / "draft"
    file.write_bytes(MADE[what]()[:size])

    answers = [answer(file, name) for name in ("a", "a.jpg", "a.docx", "a.txt")]

    assert set(answers) <= {"taken", "file-type-not-allowed", "file-content-mismatch"}


def answer(file: Path, name: str) -> str:
    try:
        kinds.recognise(file, name)
    except (FileTypeNotAllowed, FileContentMismatch) as problem:
        return problem.slug
    return "taken"
