"""Files made for tests: honest ones of every type we take, and some that only pretend."""

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image
from werkzeug.test import TestResponse

from tests.world import World

EICAR = (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").decode()
TYPES_XML = "[Content_Types].xml"


def picture(form: str = "JPEG", size: tuple[int, int] = (32, 20), mode: str = "RGB", **saved: Any) -> bytes:
    """A picture whose left half is red."""
    drawn = Image.new(mode, size, "white")
    drawn.paste("red", (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    drawn.save(file, form, **saved)
    return file.getvalue()


def photo() -> bytes:
    """A JPEG as a phone writes it: lying on its side, with the place and the owner's name in its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90°
    exif[0x013B] = "Canary Owner"
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 27.0)
    return picture(exif=exif.tobytes(), comment=b"Canary Comment")


def vast_png(width: int = 65_000, height: int = 65_000) -> bytes:
    """A PNG of a few hundred bytes that claims to be vast."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    body = zlib.compress(b"\x00" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def pdf(more: bytes = b"", after: bytes = b"") -> bytes:
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog" + more + b">>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n" + after


def package(main: str, more: Mapping[str, bytes] | None = None, comment: bytes = b"") -> bytes:
    """A zip file with the parts of an office document."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in {TYPES_XML: b"<Types/>", main: b"<x/>", **(more or {})}.items():
            made.writestr(name, data)
        made.comment = comment
    return file.getvalue()


def docx(more: Mapping[str, bytes] | None = None) -> bytes:
    return package("word/document.xml", more)


def zipped(names: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, data in names.items():
            made.writestr(name, data)
    return file.getvalue()


def movie(brand: bytes = b"isom") -> bytes:
    return b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x02\x00" + b"\x00" * 64


MADE: dict[str, Callable[[], bytes]] = {
    "jpeg": picture,
    "photo": photo,
    "png": lambda: picture("PNG"),
    "png-cut": lambda: picture("PNG", (200, 200))[:-40],
    "png-vast": vast_png,
    "gif": lambda: picture("GIF"),
    "webp": lambda: picture("WEBP"),
    "webp-moving": lambda: picture(
        "WEBP", save_all=True, append_images=[Image.new("RGB", (32, 20), "blue")], duration=90
    ),
    "tiff": lambda: picture("TIFF"),
    "heic": lambda: movie(b"heic"),
    "pdf": pdf,
    "pdf-cut": lambda: pdf()[:-8],
    "pdf-script": lambda: pdf(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"),
    "pdf-launch": lambda: pdf(b"/OpenAction<</S/Launch/F(cmd.exe)>>"),
    "pdf-and-zip": lambda: pdf(after=zipped({"a.txt": b"a"})),
    "zip-and-pdf": lambda: docx({"%PDF-1.4": b"a"}),
    "docx": docx,
    "docx-macro": lambda: docx({"word/vbaProject.bin": b"macro"}),
    "docx-escape": lambda: docx({"../../etc/passwd": b"x"}),
    "docx-tail": lambda: docx() + b"<script>",
    "docx-comment": lambda: package("word/document.xml", comment=b"hidden"),
    "docx-bomb": lambda: docx({"word/media/a.bin": b"\x00" * (60 << 20)}),
    "xlsx": lambda: package("xl/workbook.xml"),
    "pptx": lambda: package("ppt/presentation.xml"),
    "ofd": lambda: zipped({"OFD.xml": b"<ofd/>"}),
    "zip": lambda: zipped({"a.txt": b"a"}),
    "doc": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 512,
    "exe": lambda: b"MZ\x90\x00" + b"\x00" * 64,
    "elf": lambda: b"\x7fELF" + b"\x00" * 64,
    "mp3": lambda: b"ID3\x04\x00" + b"\x00" * 64,
    "mp3-bare": lambda: b"\xff\xfb\x90\x00" + b"\x00" * 64,
    "wav": lambda: b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 32,
    "amr": lambda: b"#!AMR\n" + b"\x3c" * 32,
    "m4a": lambda: movie(b"M4A "),
    "mp4": movie,
    "mp4-and-zip": lambda: movie() + zipped({"a.txt": b"a"}),
    "mov": lambda: movie(b"qt  "),
    "jpeg-and-zip": lambda: picture() + zipped({"payload.txt": b"Canary Payload"}),
    "jpeg-and-html": lambda: picture(comment=b"<script>alert(1)</script>") + b"<html><script>x</script>",
    "eicar": lambda: EICAR.encode(),
    "eicar-in-pdf": lambda: pdf(b"/X(" + EICAR.encode() + b")"),
    "gbk": lambda: "现场情况：路灯已修好。".encode("gb18030"),
    "binary": lambda: bytes(range(256)) * 4,
}
"""A file by its name."""


def form(parts: list[tuple[str, str | None, bytes]], boundary: str = "b0undary") -> bytes:
    """multipart/form-data of (name, file name or None, content)."""
    lines = []
    for name, filename, content in parts:
        said = f'Content-Disposition: form-data; name="{name}"'
        if filename is not None:
            quoted = filename.replace('"', "%22")
            said += f'; filename="{quoted}"\r\nContent-Type: application/octet-stream'
        lines.append(f"--{boundary}\r\n{said}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


def bring(
    world: World, by: str, content: bytes | str = "jpeg", name: str = "现场.jpg", *, key: str | None = None
) -> TestResponse:
    """Sends a file before there is a case."""
    data = MADE[content]() if isinstance(content, str) else content
    headers = {"Content-Type": "multipart/form-data; boundary=b0undary"}
    return world.post(by, "/attachments", form([("file", name, data)]), key=key, headers=headers)


def upload(
    world: World,
    by: str,
    case_id: str,
    content: bytes | str = "jpeg",
    name: str = "现场.jpg",
    *,
    task: str | None = None,
    key: str | None = None,
    boundary: str = "b0undary",
) -> TestResponse:
    """Sends a file, or one of MADE by its name."""
    data = MADE[content]() if isinstance(content, str) else content
    parts: list[tuple[str, str | None, bytes]] = [("file", name, data)]
    if task is not None:
        parts.insert(0, ("task", None, task.encode()))
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return world.post(by, f"/cases/{case_id}/attachments", form(parts, boundary), key=key, headers=headers)
