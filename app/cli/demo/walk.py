"""`huying demo walk`: one case from beginning to end, told as a story; in a database of its own."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.demo import demo

if TYPE_CHECKING:
    from app.bundles.files import BundleFiles
    from app.identity.org_file import OrgFile

NOW = datetime.fromisoformat("2026-03-04T17:00:00+08:00")
"""A Wednesday: what is generated is the same whenever it is told."""


@demo.command()
@click.argument("process", type=click.Path(path_type=Path))
@click.option("--scenario", help="演哪个场景（文件名或名称）；不写就演步骤最多的。")
@click.option("--order", type=click.IntRange(1), help="不演场景，演生成的第几件工单（只有 12345 工单流程）。")
@click.option("--seed", default="huying", show_default=True, help="生成工单的种子。")
def walk(process: Path, scenario: str | None, order: int | None, seed: str) -> None:
    """演一件，从登记到办结讲一遍：谁、什么时候、做了什么、时限怎样。PROCESS 是流程的键或文件夹。

    在一个临时的数据库里演，不碰现有数据。
    """
    from app.cli.folders import folders_named
    from app.cli.process import shown
    from app.cli.staging import staged
    from app.demo.telling import tell
    from app.processes.check import check_folder, org_beside

    folder = folders_named((process,), templates=True)[0]
    checked = check_folder(folder)
    if not checked.good:
        for finding in checked.findings:
            click.echo(shown(finding))
        raise click.ClickException(f"{folder.name} 没有通过检查，不能演。")
    org, _ = org_beside(folder)
    with staged(folder) as version:
        if order is not None:
            case = _order(folder.name, seed, order)
        else:
            case = _scenario(checked.files, version, org, scenario)
        for line in tell(case):
            click.echo(line)


def _scenario(files: "BundleFiles", version: str, org: "OrgFile | None", wanted: str | None) -> str:
    """Walks a scenario; returns its case, also where the scenario fails after the filing."""
    from app import bundles
    from app.processes import scenarios
    from app.processes.walk import read_scenarios

    known = read_scenarios(files, bundles.get(version), org)
    fit = [each for name, each in known.items() if wanted in (None, name, each.name)]
    if not fit:
        raise click.ClickException(f"没有这个场景；scenarios/ 里有 {'、'.join(known) or '（没有）'}。")
    longest = max(fit, key=lambda each: len(each.steps))
    try:
        story = scenarios.run(longest, version)
    except scenarios.ScenarioFailed as failed:
        raise click.ClickException(failed.zh) from None
    if story.case_id is None:
        raise click.ClickException(f"场景“{longest.name}”没有登记办件。")
    click.echo(f"场景：{longest.name}\n")
    return story.case_id


def _order(process: str, seed: str, index: int) -> str:
    from sqlalchemy import select

    from app.cases.models import cases
    from app.cli.import_ import service
    from app.core import clock, db
    from app.demo import fill, hands
    from app.processes.scenarios import set_offset

    if process != hands.PROCESS:
        raise click.ClickException(f"生成的工单只能登记到 {hands.PROCESS}；别的流程请演场景。")
    with db.transaction() as session:
        set_offset(session, NOW - clock.raw_now(session))
    fill.play_one(service("city"), seed, index)
    with db.reading() as session:
        return str(session.scalar(select(cases.c.id)))
