"""One answer to one declared name: read strictly, cleaned, or refused with a code and Chinese words."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from app.bundles.data_fields import DEFAULT_FILES, DEFAULT_ITEMS, DEFAULT_TEXT, DataField
from app.core import personal
from app.core.typed import UNSEEN, became, normal, original

BEIJING = ZoneInfo("Asia/Shanghai")

Reader = Callable[[Any, datetime], Any]
"""Takes a non-empty answer and the instant; returns what is stored (JSON). Raises Wrong."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile("[\n\r\u2028\u2029]")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_FILE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LARGEST = 2**63 - 1


class Wrong(Exception):
    """填写内容有误。

    `code` is one of api.md's per-field codes.
    """

    def __init__(self, code: str, zh: str) -> None:
        super().__init__(zh)
        self.code, self.zh = code, zh


def is_empty(answer: Any) -> bool:
    """Nothing, blank text or an empty list: what `required` refuses and what clears a stored value."""
    return answer is None or answer == [] or (isinstance(answer, str) and not answer.strip())


def reader(field: DataField) -> Reader:
    """The reader of a declared name, chosen once when the form is compiled."""
    if field.type == "list":
        return _list_reader(field)
    makers: dict[str, Callable[[DataField], Reader]] = {
        "text": _text_reader,
        "int": _int_reader,
        "decimal": _decimal_reader,
        "bool": lambda _: _bool,
        "date": _date_reader,
        "datetime": _datetime_reader,
        "choice": _choice_reader,
        "unit": lambda _: _code("单位请填编码，例如 d1-cgw"),
        "person": lambda _: _code("人员请填登录名"),
        "category": lambda _: _code("分类请填编码，例如 0101"),
        "files": _files_reader,
        "point": lambda _: _point,
    }
    return makers[field.type](field)


def _text_reader(field: DataField) -> Reader:
    longest, form = field.longest or DEFAULT_TEXT, field.format

    def read(answer: Any, now: datetime) -> str:
        if not isinstance(answer, str):
            raise Wrong("not-text", "应填写文字。")
        number = form in ("phone", "idcard")
        text = normal(answer.strip(), "NFKC" if number else "NFC")
        if _CONTROL.search(text):
            raise Wrong("text-invalid-character", "含有不允许的控制字符，请删去后重填。")
        if UNSEEN.search(text):
            raise Wrong("text-invalid-character", "含有看不见的文字方向符号，请删去后重填。")
        if form is not None and _BREAK.search(text):
            raise Wrong("line-break", "只能填写一行，请去掉换行。")
        if len(text) > longest:
            raise Wrong("too-long", f"最多 {longest} 字，现在有 {len(text)} 字。")
        if not number:
            return text
        kept = _phone(text) if form == "phone" else _idcard(text, now)
        return became(kept, text) if original(text) else kept

    return read


def _phone(text: str) -> str:
    digits = re.sub(r"[\s-]", "", text).removeprefix("+86")
    if re.fullmatch(r"1[0-9]{10}|0[0-9]{9,11}|400[0-9]{7}|800[0-9]{7}", digits):
        return digits
    raise Wrong("phone-invalid", "电话号码不对：手机 11 位，固定电话请带区号，例如 010-12345678。")


def _idcard(text: str, now: datetime) -> str:
    number = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number):
        raise Wrong("idcard-invalid", "身份证号应为 18 位，最后一位可以是 X。")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise Wrong("idcard-invalid", "身份证号里的出生日期不存在。") from None
    if not born.year >= 1850 or born > now.astimezone(BEIJING).date():
        raise Wrong("idcard-invalid", "身份证号里的出生日期不对。")
    if number[17] != personal.check_digit(number):
        raise Wrong("idcard-invalid", "身份证号的校验位不对，请核对。")
    return number


def _int_reader(field: DataField) -> Reader:
    def read(answer: Any, now: datetime) -> int:
        if not isinstance(answer, int) or isinstance(answer, bool) or abs(answer) > _LARGEST:
            raise Wrong("not-an-integer", "应填写整数。")
        _within(answer, field)
        return answer

    return read


def _decimal_reader(field: DataField) -> Reader:
    def read(answer: Any, now: datetime) -> int | float:
        try:
            number = Decimal(str(answer).strip()) if isinstance(answer, int | float | str) else None
        except InvalidOperation:
            number = None
        if number is None or isinstance(answer, bool) or not number.is_finite():
            raise Wrong("not-a-number", "应填写数字。")
        exponent = number.normalize().as_tuple().exponent
        if (
            len(number.normalize().as_tuple().digits) > 15
            or not isinstance(exponent, int)
            or abs(exponent) > 15
        ):
            raise Wrong("too-precise", "数字最多 15 位。")
        value = int(number) if number == number.to_integral_value() else float(number)
        _within(value, field)
        return value

    return read


def _within(value: int | float, field: DataField) -> None:
    if isinstance(field.low, int | float) and value < field.low:
        raise Wrong("too-small", f"不能小于 {field.low}。")
    if isinstance(field.high, int | float) and value > field.high:
        raise Wrong("too-big", f"不能大于 {field.high}。")


def _bool(answer: Any, now: datetime) -> bool:
    if isinstance(answer, bool):
        return answer
    raise Wrong("not-a-boolean", "应填写“是”（true）或“否”（false）。")


def _date_reader(field: DataField) -> Reader:
    def read(answer: Any, now: datetime) -> str:
        day = None
        if isinstance(answer, str) and _DAY.fullmatch(answer.strip()):
            try:
                day = date.fromisoformat(answer.strip())
            except ValueError:
                day = None
        if day is None:
            raise Wrong("not-a-date", "应填写日期，例如 2026-03-02。")
        today = now.astimezone(BEIJING).date()
        if field.low is not None and day < _day(field.low, today):
            raise _too_early(field.low)
        if field.high is not None and day > _day(field.high, today):
            raise _too_late(field.high)
        return day.isoformat()

    return read


def _datetime_reader(field: DataField) -> Reader:
    def read(answer: Any, now: datetime) -> str:
        try:
            at = datetime.fromisoformat(answer.strip()) if isinstance(answer, str) else None
        except ValueError:
            at = None
        if at is None or "T" not in str(answer):
            raise Wrong("not-a-datetime", "应填写日期时间，例如 2026-03-02T09:00:00+08:00。")
        if at.tzinfo is None:
            raise Wrong("datetime-without-offset", "时间要写时区，例如 2026-03-02T09:00:00+08:00。")
        at = at.astimezone(BEIJING)
        if field.low is not None and (
            at < now if field.low == "now" else at.date() < _day(field.low, at.date())
        ):
            raise _too_early(field.low)
        if field.high is not None and (
            at > now if field.high == "now" else at.date() > _day(field.high, at.date())
        ):
            raise _too_late(field.high)
        return at.isoformat()

    return read


def _day(bound: int | float | str, today: date) -> date:
    return today if bound == "today" else date.fromisoformat(str(bound))


def _too_early(bound: Any) -> Wrong:
    if bound in ("today", "now"):
        return Wrong("date-in-past", f"不能早于{'今天' if bound == 'today' else '现在'}。")
    return Wrong("date-too-early", f"不能早于 {bound}。")


def _too_late(bound: Any) -> Wrong:
    if bound in ("today", "now"):
        return Wrong("date-in-future", f"不能晚于{'今天' if bound == 'today' else '现在'}。")
    return Wrong("date-too-late", f"不能晚于 {bound}。")


def _choice_reader(field: DataField) -> Reader:
    options = frozenset(field.options)

    def read(answer: Any, now: datetime) -> str:
        if isinstance(answer, str) and answer in options:
            return answer
        raise Wrong("not-a-choice", f"只能选：{'、'.join(field.options)}。")

    return read


def _code(says: str) -> Reader:
    def read(answer: Any, now: datetime) -> str:
        if isinstance(answer, str) and _CODE.fullmatch(answer.strip()):
            return answer.strip()
        raise Wrong("not-a-code", f"{says}。")

    return read


def _point(answer: Any, now: datetime) -> dict[str, float]:
    """{"lng", "lat"} in CGCS2000 degrees, inside the country's bounding box."""
    if isinstance(answer, dict) and set(answer) == {"lng", "lat"}:
        lng, lat = answer["lng"], answer["lat"]
        if all(isinstance(each, int | float) and not isinstance(each, bool) for each in (lng, lat)):
            if 73 <= lng <= 136 and 3 <= lat <= 54:
                return {"lng": round(float(lng), 7), "lat": round(float(lat), 7)}
            raise Wrong("point-outside", "位置不在范围内：经度 73–136，纬度 3–54。")
    raise Wrong("not-a-point", '位置应写成 {"lng": 116.4, "lat": 39.9}。')


def _files_reader(field: DataField) -> Reader:
    """Ids of attachments of this case; what they hold is looked at when the answer is looked up."""
    longest = field.longest or DEFAULT_FILES

    def read(answer: Any, now: datetime) -> list[str]:
        if not isinstance(answer, list) or not all(isinstance(each, str) for each in answer):
            raise Wrong("not-a-list", "应填写附件编号的列表。")
        ids = list(dict.fromkeys(each.strip().lower() for each in answer))
        if not all(_FILE_ID.fullmatch(each) for each in ids):
            raise Wrong("not-an-attachment", "应填写附件编号，先上传附件就会得到它。")
        if len(ids) > longest:
            raise Wrong("too-many", f"最多 {longest} 个附件，现在有 {len(ids)} 个。")
        return ids

    return read


def _list_reader(field: DataField) -> Reader:
    item = reader(
        DataField(field.name, str(field.item), field.label, longest=200 if field.item == "text" else None)
    )
    longest = field.longest or DEFAULT_ITEMS

    def read(answer: Any, now: datetime) -> list[Any]:
        if not isinstance(answer, list):
            raise Wrong("not-a-list", "应填写列表。")
        if len(answer) > longest:
            raise Wrong("too-many", f"最多 {longest} 项，现在有 {len(answer)} 项。")
        items = [item(each, now) for each in answer if not is_empty(each)]
        if any(each in items[:i] for i, each in enumerate(items)):
            raise Wrong("duplicate-item", "有重复的项。")
        return items

    return read
