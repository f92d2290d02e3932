"""Personal numbers in what people write: found, and shown with most of their digits covered.

Identity numbers (checksum and date), mobile and landline numbers, bank cards (checksum) and number plates.
Names and addresses are not recognised in free text; a field declared secret has a cover of its own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"

# One character for one: a place in the folded text is the same place in the text.
_FOLD = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x3000: 0x20, 0x2010: 0x2D, 0x2011: 0x2D, 0x2013: 0x2D}

_BEFORE, _AFTER = "(?<![0-9])", "(?![0-9])"
_OURS = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,}"
)  # ids and hashes are nobody's
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PATTERNS = {
    "idcard": rf"{_BEFORE}[1-9][0-9]{{5}}[ -]?[0-9]{{8}}[ -]?[0-9]{{3}}[0-9Xx]{_AFTER}",
    "card": rf"{_BEFORE}[3-6][0-9]{{3}}(?:[ -]?[0-9]{{4}}){{3}}(?:[ -]?[0-9]{{1,3}})?{_AFTER}",
    "mobile": rf"(?:\+86[ -]?|{_BEFORE}(?:(?:00)?86[ -]?)?)"
    rf"1[0-9]{{2}}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}{_AFTER}",
    "landline": r"(?<![0-9A-Za-z])(?:\(0[0-9]{2,3}\)|0[0-9]{2,3})"
    rf"[ -]?[0-9]{{7,8}}(?:-[0-9]{{1,6}})?{_AFTER}",
    "plate": rf"[{_PROVINCES}][A-HJ-NP-Za-hj-np-z][· -]?[0-9A-HJ-NP-Za-hj-np-z]{{4,5}}"
    r"[0-9A-HJ-NP-Za-hj-np-z挂学警港澳](?![0-9A-Za-z])",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_ENOUGH = re.compile(r"[0-9]{2}")
_DIGITS = re.compile(r"[^0-9Xx]")

_COMMUNITY = re.compile(r".*?(?:社区|居委会|村委会|村民委员会|居民委员会|(?<!新)村(?!路|街|里))")
_STREET = re.compile(r".*?(?:街道|镇|乡|区|县)")


@dataclass(frozen=True)
class Number:
    """One that was found: where it stands, what it is, what is shown instead."""

    start: int
    end: int
    kind: str
    covered: str


def found(text: str) -> list[Number]:
    """The personal numbers of a text, first to last; none overlaps another."""
    folded = text.translate(_FOLD)
    if not _ENOUGH.search(folded):
        return []
    taken = [match.span() for match in _OURS.finditer(folded)]
    numbers: list[Number] = []
    for kind in _PATTERNS:
        for number in _of_kind(kind, folded):
            if not any(number.start < end and start < number.end for start, end in taken):
                taken.append((number.start, number.end))
                numbers.append(number)
    return sorted(numbers, key=lambda each: each.start)


def covered(text: str) -> str:
    """The text with every personal number covered; itself when there is none."""
    parts, at = [], 0
    for number in found(text):
        parts += [text[at : number.start], number.covered]
        at = number.end
    return "".join(parts) + text[at:] if parts else text


def _of_kind(kind: str, folded: str) -> Iterator[Number]:
    for match in _COMPILED[kind].finditer(folded):
        written = match[0]
        digits = _DIGITS.sub("", written).upper()
        if kind == "idcard" and not right_idcard(digits):
            continue
        if kind == "card" and not (16 <= len(digits) <= 19 and _luhn(digits)):
            continue
        if kind == "plate" and len(re.findall("[0-9]", written)) < 2:
            continue
        yield Number(*match.span(), kind, _cover(kind, written, digits))


def _cover(kind: str, written: str, digits: str) -> str:
    match kind:
        case "idcard":
            return cover_idcard(digits)
        case "card":
            return digits[:4] + "*" * (len(digits) - 8) + digits[-4:]
        case "mobile":
            return cover_phone(digits[-11:])
        case "landline":
            return cover_phone(_landline(written))
    return written[:2] + "***" + written[-2:]


def _landline(written: str) -> str:
    """Area and number, as `cover_phone` takes them; an extension is left out."""
    plain = re.sub(r"[()]", "", written)
    area = re.match(r"0(?:10|2[0-9]|[0-9]{3})", plain)
    number = plain[area.end() :].lstrip(" -").split("-")[0] if area else plain
    return f"{area[0]}-{number}" if area else plain


def cover_phone(phone: str) -> str:
    """138****5678; of a landline the area and the last four: 010-****5678."""
    if "-" in phone or phone.startswith("0"):
        area, _, number = phone.partition("-")
        if not number:
            area = phone[:3] if phone.startswith(("010", "02")) else phone[:4]
            number = phone[len(area) :]
        return f"{area}-****{number[-4:]}"
    digits = phone[-11:]
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) > 7 else "*" * len(digits)


def cover_idcard(number: str) -> str:
    """310***********1234."""
    return number[:3] + "*" * 11 + number[-4:] if len(number) == 18 else "*" * len(number)


def cover_name(name: str) -> str:
    """张*, 张**: the first character."""
    return name[:1] + "*" * min(max(len(name) - 1, 0), 8) if len(name) > 1 else "*"


def cover_address(address: str) -> str:
    """Down to the community; without one down to the street; else only how it begins."""
    known = _COMMUNITY.match(address) or _STREET.match(address)
    if known is None:
        return cover_text(address)
    return known[0] + "****" if len(known[0]) < len(address) else address


def cover_text(text: str) -> str:
    """How it begins, and not how long it is."""
    return text[:1] + "****" if len(text) > 1 else "*"


COVERS = {
    "phone": cover_phone,
    "idcard": cover_idcard,
    "name": cover_name,
    "address": cover_address,
    "plain": cover_text,
}
"""How a secret field is shown, by its format."""


def right_idcard(number: str) -> bool:
    """Whether the checksum fits and the date of birth exists."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number):
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return 1850 <= born.year <= 2200 and number[17] == check_digit(number)


def check_digit(number: str) -> str:
    """The eighteenth digit of an identity number, from the first seventeen (GB 11643)."""
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECK_DIGITS[total % 11]


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if n % 2 else 1) for n, digit in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
