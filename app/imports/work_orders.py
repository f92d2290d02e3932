"""Work orders from a file: each line checked as `POST /cases` would, filed in a transaction of its own, once.

A line's external number makes it the same line: whoever was interrupted runs the import again, and what was
filed is passed over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import marshmallow
import orjson

from app.bundles.forms import Form
from app.cases import filing
from app.cases.commands import NewCase
from app.cases.errors import AlreadyFiled, ProcessStopped
from app.cases.schemas import NewCaseIn
from app.core import typed
from app.core.errors import FieldError, Problem
from app.core.http import strict_json
from app.core.http.fields import field_errors
from app.exchange.work_orders import HEADERS, body, flat
from app.identity.actor import Actor
from app.imports import cells
from app.imports.files import Line

MOST_STOPPED = 5
"""Lines in a row at which the process itself fails: not their fault, and each opens an incident."""
_LIKE_OURS = ("CGCS2000", "WGS84", "WGS-84", "EPSG:4490", "EPSG:4326")
_SCHEMA = NewCaseIn()


@dataclass(frozen=True)
class Refused:
    """Why a line was not taken: one row of the report per field."""

    line: int
    external_no: str
    field: str
    reason: str


@dataclass
class Report:
    """What became of a file. `left_out` are columns that the process has no place for."""

    lines: int = 0
    filed: int = 0
    already: int = 0
    good: int = 0
    refused: list[Refused] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    stopped: str | None = None

    @property
    def bad_lines(self) -> int:
        return len({each.line for each in self.refused})


class LineRefused(Exception):
    """A line cannot become a case; `reasons` are (field, why)."""

    def __init__(self, reasons: Iterable[tuple[str, str]]) -> None:
        self.reasons = tuple(reasons)
        super().__init__()


def check(actor: Actor, process: str, lines: Iterable[Line]) -> Report:
    """What filing the lines would do; nothing is written."""
    return _each(actor, process, lines, filing.check)


def bring(actor: Actor, process: str, lines: Iterable[Line]) -> Report:
    """Files every line that can be filed; a bad one stops none of the others."""
    return _each(actor, process, lines, filing.file_case)


def _each(
    actor: Actor, process: str, lines: Iterable[Line], act: Callable[[Actor, NewCase], object]
) -> Report:
    bundle = filing.current(process)
    form = bundle.forms.get(bundle.engine.start_form or "")
    report, seen, stopped = Report(), dict[str, int](), 0
    for line in lines:
        report.lines += 1
        number = ""
        try:
            new = _case_of(line, process, form, report.left_out)
            number = new.external_no or ""
            if number in seen:
                raise LineRefused([("工单编号", f"与第 {seen[number]} 行相同，只登记前一行。")])
            seen[number] = line.number
            act(actor, new)
        except LineRefused as refused:
            number = number or str(flat(line.order).get("externalNo", ""))[:120]
            report.refused += [Refused(line.number, number, *reason) for reason in refused.reasons]
        except AlreadyFiled:
            report.already += 1
        except ProcessStopped as problem:
            report.refused.append(Refused(line.number, number, "", problem.detail or problem.title))
            stopped += 1
            if stopped == MOST_STOPPED:
                report.stopped = f"流程连续 {stopped} 次出错，后面的行没有再试；请先处理异常。"
                break
            continue
        except Problem as problem:
            if problem.status >= 500:  # the database, not the line
                raise
            reasons = _reasons(problem, form)
            report.refused += [Refused(line.number, number, *reason) for reason in reasons]
        else:
            report.good += 1
            report.filed += act is filing.file_case
        stopped = 0
    return report


def _case_of(line: Line, process: str, form: Form | None, left_out: set[str]) -> NewCase:
    """A line as a filing, through the same gate and the same schema as a request. Raises LineRefused."""
    typed.begin()
    if line.wrong is not None:
        raise LineRefused([("", line.wrong)])
    sent = line.order if "answers" in line.order else _body_of(line.order, process, form, left_out)
    try:
        asked: dict[str, Any] = _SCHEMA.load(strict_json.parse(orjson.dumps(sent)))
    except marshmallow.ValidationError as error:
        raise LineRefused(_named(field_errors(error.normalized_messages()), form)) from None
    except Problem as problem:
        raise LineRefused(_reasons(problem, form)) from None
    if asked["process"] != process:
        raise LineRefused([("流程", f"这一行是流程“{asked['process']}”的，正在导入的是“{process}”。")])
    if not asked["external_no"]:
        raise LineRefused([("工单编号", "没有编号就认不出是否登记过，不能导入。")])
    return NewCase(**asked)


def _body_of(order: Mapping[str, Any], process: str, form: Form | None, left_out: set[str]) -> dict[str, Any]:
    known = flat(order)
    if "receivedAt" in known:
        known["receivedAt"] = cells.moment(known["receivedAt"])
    for name in ("location.lng", "location.lat"):
        if name in known:
            known[name] = cells.degrees(known[name])
    sent, unused = body(known, process, form)
    if "location.lng" in known and "location.lng" not in unused:
        crs = str(known.get("location.crs", "CGCS2000"))
        if crs.upper() not in _LIKE_OURS:
            told = f"坐标系“{crs[:20]}”尚不能换算；请给出 CGCS2000 的经纬度，或留空。"
            raise LineRefused([(HEADERS["location.crs"], told)])
    for each in form.fields if form is not None else ():
        if each.name in sent["answers"]:
            sent["answers"][each.name] = cells.typed(sent["answers"][each.name], each)
    left_out.update(name for name in unused if name not in _BESIDE)
    return sent


_BESIDE = ("location.crs", "category.1", "category.2", "category.3")
"""Said once more by another column; nobody misses them."""


def _reasons(problem: Problem, form: Form | None) -> list[tuple[str, str]]:
    return _named(problem.errors, form) or [("", problem.detail or problem.title)]


_ENVELOPE = {
    "title": "标题",
    "externalNo": "工单编号",
    "receivedAt": "来电时间",
    "placeUnit": "社区编码",
    "priority": "优先级",
    "process": "流程",
}


def _named(errors: Iterable[FieldError], form: Form | None) -> list[tuple[str, str]]:
    """Errors with the field as people call it instead of a pointer."""
    labels = {each.name: each.label for each in form.fields} if form is not None else {}
    return [(_label(error.pointer, labels), error.message) for error in errors]


def _label(pointer: str, labels: Mapping[str, str]) -> str:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if steps[:1] == ["answers"] and len(steps) > 1:
        return labels.get(steps[1], steps[1])
    return _ENVELOPE.get(steps[0], steps[0]) if steps else ""


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """The report as a table; a cell that a spreadsheet would take for a formula is quoted."""
    yield "行", "工单编号", "字段", "原因"
    for each in report.refused:
        yield str(each.line), _plain(each.external_no), _plain(each.field), _plain(each.reason)


def _plain(text: str) -> str:
    """Source: trust.md §5 row 33."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r＝＋－＠") else text
