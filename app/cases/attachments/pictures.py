"""Pictures are drawn anew: where a photo was taken, and whatever else hid in the file, stays behind."""

import threading
from pathlib import Path

from PIL import Image, ImageOps

from app.cases.attachments import shelf
from app.cases.attachments.errors import mismatch, not_allowed
from app.cases.attachments.kinds import JPEG, PNG, WEBP, FileType
from app.core.errors import Problem, Unavailable

MOST_PIXELS = 50_000_000
"""A phone's largest photo; drawn, it takes 200 MB for a second or two."""
_FORMATS = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP"}
_MODES = {JPEG: ("L", "RGB"), PNG: ("1", "L", "RGB", "RGBA", "I;16"), WEBP: ("RGB", "RGBA")}
_OPTIONS = {JPEG: {"quality": 90}, PNG: {"compress_level": 6}, WEBP: {"quality": 90, "method": 4}}
_one_at_a_time = threading.BoundedSemaphore(1)

Image.MAX_IMAGE_PIXELS = None  # we look at the size ourselves, before anything is unpacked


def redraw(source: Path, target: Path, kind: FileType) -> None:
    """Writes the picture of `source`, upright, without any of its metadata, into `target`.

    Raises FileContentMismatch for what cannot be drawn, FileTypeNotAllowed for too many pixels or frames.
    """
    with _one_at_a_time:
        picture = _drawn(source, kind)
        with shelf.writing(target) as file:
            picture.save(file, _FORMATS[kind], **_OPTIONS[kind])


def _drawn(source: Path, kind: FileType) -> Image.Image:
    try:
        with Image.open(source, formats=(_FORMATS[kind],)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise not_allowed(f"图片最多 {MOST_PIXELS // 10_000} 万像素，请缩小后再上传。")
            if kind is not JPEG and getattr(picture, "n_frames", 1) > 1:
                raise not_allowed("动图请改为普通图片或视频后再上传。")
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return _plain(upright, kind)
    except Problem:
        raise
    except MemoryError:
        raise Unavailable(headers={"Retry-After": "10"}) from None
    except Exception:  # Pillow's decoders fail in many ways over what somebody made up
        raise mismatch("图片打不开，或不完整。") from None


def _plain(picture: Image.Image, kind: FileType) -> Image.Image:
    """The pixels alone, in a mode that the format can hold."""
    seen_through = kind is not JPEG and (picture.mode in ("LA", "PA") or "transparency" in picture.info)
    if seen_through or picture.mode not in _MODES[kind]:
        picture = picture.convert("RGBA" if seen_through else "RGB")
    picture.info = {}
    return picture
