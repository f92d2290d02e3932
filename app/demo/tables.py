"""The tables of a synthetic district and how they are written: JSON lines, CSV, Open311 XML."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from app.demo import orders, people
from app.demo.orders import Plan
from app.exchange.work_orders import HEADERS, flat

Row = dict[str, Any]


@dataclass(frozen=True)
class Preset:
    """A size: district, orders, days they came in, residents who call."""

    district: str
    orders: int
    days: int
    residents: int


PRESETS: Mapping[str, Preset] = {
    "demo": Preset("demo", 2_000, 60, 10_000),
    "bench-S": Preset("baoshan-like", 40_000, 365, 10_000),
    "bench-M": Preset("xicheng-like", 200_000, 365, 200_000),
    "bench-L": Preset("baoshan-like", 140_000, 365, 800_000),
}


def units(of: Plan) -> Iterator[Row]:
    for unit in of.district.units():
        yield asdict(unit)


def staff(of: Plan) -> Iterator[Row]:
    return people.staff(of.seed, of.district)


def residents(of: Plan) -> Iterator[Row]:
    for number in range(1, of.residents + 1):
        yield people.resident_row(people.resident(of.seed, of.district, number, of.now.date()))


def tables(of: Plan, count: int) -> dict[str, Callable[[], Iterator[Row]]]:
    """File name → its rows. The demo's own district has its units and people in bpmn/_org.yaml."""
    known: dict[str, Callable[[], Iterator[Row]]] = (
        {}
        if of.district.key == "demo"
        else {
            "units": lambda: units(of),
            "people": lambda: staff(of),
        }
    )
    return known | {
        "residents": lambda: residents(of),
        "work-orders": lambda: orders.orders(of, count),
    }


def line(row: Mapping[str, Any]) -> str:
    """A row as one line of JSON; the golden sums of the tests are over these."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def write_jsonl(file: Path, rows: Iterable[Row]) -> int:
    count = 0
    with file.open("w", encoding="utf-8", newline="\n") as out:
        for count, row in enumerate(rows, 1):  # noqa: B007
            out.write(line(row))
    return count


def write_csv(file: Path, rows: Iterable[Row]) -> int:
    """With a byte order mark, as the spreadsheets of offices want it."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return 0
    is_order = "externalNo" in first
    columns = list(HEADERS) if is_order else list(first)
    count = 0
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        table = csv.writer(out)
        table.writerow([HEADERS.get(name, name) for name in columns])
        for count, row in enumerate(chain([first], rows), 1):  # noqa: B007
            cells = flat(row) if is_order else row
            table.writerow([_cell(cells.get(name)) for name in columns])
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "是" if value else "否"
    return "、".join(value) if isinstance(value, list) else value


def write_org(file: Path, of: Plan, roles: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
    """The district as an organisation file for a bpmn folder. Nobody has a password; `city` files orders."""
    lines = ["# 由 huying demo generate 生成：单位、姓名都是虚构的。", f"name: {of.district.unit.name}"]
    lines.append("units:")
    lines += [f"  - {_inline({k: v for k, v in row.items() if v is not None})}" for row in units(of)]
    lines.append("roles:")
    for key, (name, permissions) in roles.items():
        lines.append(f"  {key}: {_inline({'name': name, 'permissions': list(permissions)})}")
    lines.append("people:")
    for row in staff(of):
        held = [{"role": row["role"], "unit": row["unit"]}]
        lines.append(f"  - {_inline({'login': row['login'], 'name': row['name'], 'appointments': held})}")
    city = [{"role": "intake", "unit": of.district.unit.code}]
    service = {"login": "city", "name": "市级平台", "kind": "service", "appointments": city}
    lines.append(f"  - {_inline(service)}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _inline(value: Mapping[str, Any]) -> str:
    """JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


OPEN311: Mapping[str, str] = {
    # GeoReport v2 → canonical. Names and phones never leave by this door.
    "service_request_id": "externalNo",
    "service_code": "categoryCode",
    "service_name": "category.3",
    "description": "content",
    "requested_datetime": "receivedAt",
    "address": "location.text",
    "lat": "location.lat",
    "long": "location.lng",
}


def write_open311(file: Path, rows: Iterable[Row]) -> int:
    """A `service_requests` document; made to be read by a program, one request a line."""
    count = 0
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.write('<?xml version="1.0" encoding="utf-8"?>\n<service_requests>\n')
        for count, row in enumerate(rows, 1):  # noqa: B007
            cells = flat(row)
            request = ElementTree.Element("request")
            ElementTree.SubElement(request, "status").text = "open"
            for name, known in OPEN311.items():
                ElementTree.SubElement(request, name).text = str(cells[known])
            out.write(ElementTree.tostring(request, encoding="unicode") + "\n")
        out.write("</service_requests>\n")
    return count
