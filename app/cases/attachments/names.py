"""Names of files: what one machine called it becomes a name that is harmless on every other."""

import re
import unicodedata
from urllib.parse import quote

from app.core import personal

LONGEST = 120
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_FORBIDDEN = re.compile('[<>:"|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)
_ENDING = re.compile(r"[A-Za-z0-9]{1,10}\Z")


def clean(sent: str, ending: str) -> str:
    """The last part of a path without controls, at most 120 characters, its ending kept or added.

    `ending` is what the content calls for, given to a name that has none.
    """
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", sent)).replace("\\", "/").rsplit("/", 1)[-1]
    text = _FORBIDDEN.sub("_", personal.covered(text)).strip(" .")
    if not ending_of(text):
        text = f"{text or '附件'}.{ending}"
    stem, _, own = text.rpartition(".")
    text = f"{stem.strip(' .')[: LONGEST - len(own) - 1] or '附件'}.{own}"
    return f"_{text}" if _DEVICE.match(text) else text


def ending_of(name: str) -> str:
    """jpg of 现场.JPG, empty when the name has no ending."""
    stem, dot, ending = name.strip(" .").rpartition(".")
    return ending.lower() if dot and stem and _ENDING.match(ending) else ""


def disposition(name: str) -> str:
    """Content-Disposition of a download: always to be saved, never to be shown (RFC 6266, RFC 5987)."""
    plain = "".join(c if c.isascii() and c not in '\\"%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
