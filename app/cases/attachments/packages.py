"""Office documents are zip files: looked into without unpacking, so no bomb goes off and no macro hides."""

import re
import zipfile
from pathlib import Path

from app.cases.attachments.errors import mismatch, not_allowed

MOST_ENTRIES = 5_000
MOST_UNPACKED = 400 << 20
MOST_RATIO = 200
"""How much larger than the file itself its content may say it is."""
_END = b"PK\x05\x06"
_MAIN = (
    ("word/document.xml", "word"),
    ("xl/workbook.xml", "excel"),
    ("ppt/presentation.xml", "powerpoint"),
    ("OFD.xml", "ofd"),
)
_ACTIVE = re.compile(r"(^|/)(vbaproject\.bin|vbadata\.xml|activex/|macrosheets/)", re.IGNORECASE)


def recognise(path: Path) -> str:
    """word, excel, powerpoint or ofd; empty for another zip file.

    Raises FileTypeNotAllowed for macros, FileContentMismatch for a package that is broken, lies about its
    size, or has something before or after it.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 22))
        if not file.read().startswith(_END):
            raise mismatch("文件不完整，或末尾夹带了别的内容。")
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise mismatch("文件不完整，打不开。") from None
    names = [entry.filename for entry in entries]
    which = next((kind for main, kind in _MAIN if main in names), "")
    if not which or (which != "ofd" and "[Content_Types].xml" not in names):
        return ""
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or unpacked > min(MOST_UNPACKED, max(size * MOST_RATIO, 1 << 20)):
        raise not_allowed("文件展开后太大。")
    if len(set(names)) < len(names) or any(_escapes(name) for name in names):
        raise mismatch("文件内部的名字不合格。")
    if any(entry.flag_bits & 1 for entry in entries):
        raise not_allowed("加密的文件无法检查，请去掉密码后再上传。")
    if any(_ACTIVE.search(name) for name in names):
        raise not_allowed("文件里有宏或控件，请另存为不含宏的格式后再上传。")
    return which


def _escapes(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")
