"""`huying demo generate`: a synthetic district in files, the same for the same arguments."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.cli.demo import demo
from app.core import clock
from app.core.config import settings

FORMATS = ("jsonl", "csv", "open311")


@demo.command()
@click.option("--preset", default="demo", show_default=True, help="规模：demo、bench-S、bench-M、bench-L。")
@click.option("--count", type=click.IntRange(1, 10_000_000), help="工单件数（默认随规模）。")
@click.option("--seed", default="huying", show_default=True, help="种子：同一个种子得到同样的数据。")
@click.option("--now", help="数据里的“现在”，如 2026-03-02T09:00+08:00（默认此刻）。")
@click.option("--days", type=click.IntRange(1, 3660), help="工单分布在“现在”之前多少天（默认随规模）。")
@click.option("--residents", type=click.IntRange(1, 10_000_000), help="居民人数（默认随规模）。")
@click.option("--district", help="哪个区：demo、xicheng-like、baoshan-like（默认随规模）。")
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(FORMATS), help="可写几次；默认 jsonl 和 csv。"
)
@click.option("--bodies", is_flag=True, help="只写工单，每行是 POST /api/v1/cases 的内容，收到时间留空。")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="写到哪个文件夹。"
)
def generate(
    preset: str,
    count: int | None,
    seed: str,
    now: str | None,
    days: int | None,
    residents: int | None,
    district: str | None,
    formats: tuple[str, ...],
    bodies: bool,
    out: Path,
) -> None:
    """生成模拟的单位、人员、居民和工单；同样的参数得到同样的文件，没有一个真人。"""
    from app.demo import orders, tables

    size = _one_of(tables.PRESETS, preset, "规模")
    shapes = {each.district for each in tables.PRESETS.values()}
    key = size.district if district is None else _one_of({name: name for name in shapes}, district, "区")
    of = orders.plan(key, seed, _instant(now), days or size.days, residents or size.residents)
    number = count or size.orders
    out.mkdir(parents=True, exist_ok=True)
    if bodies:
        _written(out / "work-orders.jsonl", tables.write_jsonl, _bodies(orders.orders(of, number)))
        return
    writers = {"jsonl": tables.write_jsonl, "csv": tables.write_csv, "open311": tables.write_open311}
    for name, rows in tables.tables(of, number).items():
        for each in formats or ("jsonl", "csv"):
            if each != "open311" or name == "work-orders":
                ending = "xml" if each == "open311" else each
                _written(out / f"{name}.{ending}", writers[each], rows())
    if of.district.key != "demo":
        roles = {role.key: (role.name, role.permissions) for role in _org_file().roles}
        tables.write_org(out / "_org.yaml", of, roles)
        click.echo(f"{out / '_org.yaml'}：机构文件。")


def _written(file: Path, write: Callable[[Path, Iterator[Any]], int], rows: Iterator[Any]) -> None:
    began = clock.monotonic()
    count = write(file, rows)
    click.echo(f"{file}：{count} 行，每秒 {count / max(clock.monotonic() - began, 0.001):.0f} 行。")


def _bodies(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Orders as somebody files them now, with what the start form of the process asks."""
    from app.bundles.bundle import compile_bundle
    from app.bundles.files import read_folder
    from app.engine.parser import parse
    from app.exchange import work_orders

    folder = settings().bpmn_dir / "work_order_12345"
    bundle, _ = compile_bundle(read_folder(folder)[0])
    if bundle is None:
        raise click.ClickException(f"{folder} 没有通过检查。")
    form = bundle.forms.get(parse(bundle.source).start_form or "")
    for row in rows:
        body, _ = work_orders.body(work_orders.flat(row), bundle.key, form)
        body.pop("receivedAt")
        yield body


def _org_file() -> Any:
    from app.identity.org_file import read_org

    return read_org((settings().bpmn_dir / "_org.yaml").read_bytes())


def _one_of(known: Mapping[str, Any], asked: str, what: str) -> Any:
    if asked not in known:
        raise click.ClickException(f"没有叫“{asked}”的{what}；有 {'、'.join(sorted(known))}。")
    return known[asked]


def _instant(text: str | None) -> datetime:
    """An instant with its offset; without one given, this minute."""
    try:
        at = clock.wall().replace(second=0, microsecond=0) if text is None else datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.ClickException(f"看不懂时间“{text}”；请写成 2026-03-02T09:00+08:00。")
    return at
