"""Which files are taken, told by their content: a name never decides, it only must not contradict."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from app.cases.attachments import packages
from app.cases.attachments.errors import mismatch, not_allowed
from app.cases.attachments.names import ending_of


@dataclass(frozen=True)
class FileType:
    """One type of file: `kind` is a word of bundles' FILE_KINDS, the first ending is the usual one."""

    mime: str
    kind: str
    says: str
    endings: tuple[str, ...]

    @property
    def ending(self) -> str:
        return self.endings[0]


_OFFICE = "application/vnd.openxmlformats-officedocument."
JPEG = FileType("image/jpeg", "image", "JPEG 图片", ("jpg", "jpeg"))
PNG = FileType("image/png", "image", "PNG 图片", ("png",))
WEBP = FileType("image/webp", "image", "WebP 图片", ("webp",))
PDF = FileType("application/pdf", "pdf", "PDF", ("pdf",))
DOCX = FileType(_OFFICE + "wordprocessingml.document", "office", "Word 文档", ("docx",))
XLSX = FileType(_OFFICE + "spreadsheetml.sheet", "office", "Excel 表格", ("xlsx",))
PPTX = FileType(_OFFICE + "presentationml.presentation", "office", "PowerPoint 演示", ("pptx",))
OFD = FileType("application/ofd", "office", "OFD 版式文件", ("ofd",))
TEXT = FileType("text/plain", "office", "纯文本", ("txt",))
CSV = FileType("text/csv", "office", "CSV 表格", ("csv",))
MP3 = FileType("audio/mpeg", "audio", "MP3 录音", ("mp3",))
WAV = FileType("audio/wav", "audio", "WAV 录音", ("wav",))
AMR = FileType("audio/amr", "audio", "AMR 录音", ("amr",))
M4A = FileType("audio/mp4", "audio", "M4A 录音", ("m4a",))
MP4 = FileType("video/mp4", "video", "MP4 视频", ("mp4", "m4v"))
MOV = FileType("video/quicktime", "video", "MOV 视频", ("mov",))
TYPES = (JPEG, PNG, WEBP, PDF, DOCX, XLSX, PPTX, OFD, TEXT, CSV, MP3, WAV, AMR, M4A, MP4, MOV)
_ENDINGS = {ending for kind in TYPES for ending in kind.endings}
_PACKAGES = {"word": DOCX, "excel": XLSX, "powerpoint": PPTX, "ofd": OFD}

_HEAD = 4096
_LEGACY_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
_MOVIES = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash")
_MARKUP = re.compile(
    rb"<\s*(!doctype|\?xml|\?php|html|head|body|script|svg|iframe|object|embed|img|a\s)", re.I
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_ACTIVE_PDF = re.compile(rb"/(JavaScript|JS|Launch)\b")


def recognise(path: Path, name: str) -> FileType:
    """The type of a file on disk, sent under `name`.

    Raises FileTypeNotAllowed for what nobody takes, FileContentMismatch for what is not what it is called,
    is cut short, or is two things at once.
    """
    ending = ending_of(name)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    found = _by_content(path, head, ending)
    if found is None:
        if ending in _ENDINGS:
            raise mismatch(f"文件名是 .{ending}，内容却不是。")
        raise not_allowed(f"可以上传：{'、'.join(each.says for each in TYPES)}。")
    if ending and ending not in found.endings:
        raise mismatch(f"文件名是 .{ending}，内容却是{found.says}，请把后缀改为 .{found.ending}。")
    if found is not PDF and b"%PDF-" in head[:1024]:
        raise mismatch("文件里夹带了另一种文件（PDF）。")
    if found.kind != "image" and found not in _PACKAGES.values() and zipfile.is_zipfile(path):
        raise mismatch("文件里夹带了另一种文件（压缩包）。")
    return found


def _by_content(path: Path, head: bytes, ending: str) -> FileType | None:
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return WEBP if head[8:12] == b"WEBP" else WAV
    if head.startswith(b"%PDF-"):
        return _pdf(path)
    if head.startswith(b"PK\x03\x04"):
        return _PACKAGES.get(packages.recognise(path))
    if head.startswith(_LEGACY_OFFICE):
        raise not_allowed("旧格式的 Office 文件里的宏无法检查，请另存为 docx、xlsx、pptx 或 PDF 后再上传。")
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2):
        return MP3
    if head.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return AMR
    if head[4:8] == b"ftyp":
        return _movie(head[8:12], ending)
    return _text(path, ending) if ending in ("txt", "csv", "") else None


def _movie(brand: bytes, ending: str) -> FileType | None:
    if brand in _HEIC:
        raise not_allowed("HEIC 图片请在手机里改为“兼容性最好”的格式（JPEG）后再上传。")
    if brand == b"qt  ":
        return MOV
    if brand == b"M4A " or (brand in _MOVIES and ending in M4A.endings):
        return M4A
    return MP4 if brand in _MOVIES or brand.startswith(b"3gp") else None


def _pdf(path: Path) -> FileType:
    content = path.read_bytes()
    end = content.rfind(b"%%EOF")
    if end < 0 or content[end + 5 :].strip(b"\r\n\t \x00"):
        raise mismatch("PDF 不完整，或末尾夹带了别的内容。")
    if _ACTIVE_PDF.search(content):
        raise not_allowed("PDF 里有脚本或启动程序的动作，请打印为 PDF 后再上传。")
    return PDF


def _text(path: Path, ending: str) -> FileType | None:
    content = path.read_bytes()
    text = None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None or _CONTROL.search(text):
        return None
    if _MARKUP.search(content):
        if ending:
            raise mismatch("文本里有网页或脚本的标记。")
        return None
    return CSV if ending == "csv" else TEXT
