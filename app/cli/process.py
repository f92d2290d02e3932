"""`huying process …`: check, publish, list and walk process folders."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import reach
from app.cli.folders import folder_of, folders_named
from app.cli.staging import staged
from app.core import db
from app.core.clock import BEIJING
from app.core.config import settings
from app.core.errors import Problem
from app.engine.check.finding import Finding

if TYPE_CHECKING:
    from app.processes.callees import Callee
    from app.processes.loose import Loose
    from app.processes.walk import Coverage, Walked

CHOOSE = click.argument("folders", nargs=-1, type=click.Path(path_type=Path))


@click.group()
def process() -> None:
    """检查、发布、查看流程，走场景。"""


@process.command()
@CHOOSE
@click.option("--all", "every", is_flag=True, help="bpmn 下的全部（不写 FOLDERS 也是）。")
@click.option("--strict", is_flag=True, help="提醒也算不通过。")
def check(folders: tuple[Path, ...], every: bool, strict: bool) -> None:
    """检查流程文件夹：文件、流程图、表单、时限和场景。

    FOLDERS 是流程文件夹、装着流程文件夹的文件夹或流程的键；不写就检查 bpmn 下的全部。
    文件夹里只有流程图、没有 process.yaml 的，逐张说明能不能用。
    """
    from app.processes import loose
    from app.processes.callees import Callees
    from app.processes.check import check_folder

    if every and folders:
        raise click.UsageError("写了 --all 就不要再写文件夹。")
    bad = 0
    alone = [path for path in folders if path.is_file() and loose.is_loose(folder_of(path))]
    if alone:
        bad += told_loose([loose.check_file(path, path.name) for path in alone], 0, strict)
    others = tuple(path for path in folders if path not in alone)
    for folder in folders_named(others, templates=True) if others or not alone else []:
        if loose.is_loose(folder):
            bad += told_loose(*loose.check_folder(folder), strict)
            continue
        checked = check_folder(folder, callees=Callees(folder.parent, published_here, published_keys_here))
        errors, warnings = checked.count("error"), checked.count("warning")
        bad += bool(errors or (strict and warnings) or not checked.good)
        for finding in checked.findings:
            click.echo(shown(finding))
        for line in pinned(checked.pins):
            click.echo(line)
        if checked.good:
            notes = f"，{warnings} 处提醒" if warnings else ""
            given = "、".join(f"{topic}（{label}）" for topic, label in checked.topics.items())
            outside = f"；外部办理的主题：{given}" if given else ""
            click.echo(f"{folder.name}：通过{notes}{outside}。")
        else:
            click.echo(f"{folder.name}：{errors} 处错误，{warnings} 处提醒。")
    if bad:
        raise SystemExit(1)


def pinned(pins: "Mapping[str, Callee]") -> Iterator[str]:
    """Which version of everything that it calls a process goes on with."""
    for key, each in pins.items():
        if each.bundle is not None:
            what = "同一文件夹里的这一份" if each.number is None else f"第 {each.number} 版"
            yield f"调用“{each.name}”({key})：固定{what} {each.bundle.version[:12]}。"


def published_here(key: str) -> "Callee | None":
    """A published process, where a database is at hand; a check needs none."""
    from app.processes.callees import published

    return published(key) if _at_hand() else None


def published_keys_here() -> list[str]:
    from app.processes.callees import published_keys

    return published_keys() if _at_hand() else []


def _at_hand() -> bool:
    from app import wire

    try:
        reach.database()
    except click.ClickException:
        return False
    wire()
    return True


def told_loose(diagrams: "list[Loose]", left: int, strict: bool) -> int:
    """Prints what each diagram of another tool is worth; how many may not be used or were `left` unlooked."""
    bad = 0
    for each in diagrams:
        errors, warnings = each.count("error"), each.count("warning")
        bad += bool(errors or (strict and warnings))
        for finding in each.findings:
            click.echo(shown(finding))
        notes = f"，{warnings} 处提醒" if warnings else ""
        wants = f"；流程文件夹里要声明：{'、'.join(each.wants)}" if each.wants and not errors else ""
        verdict = f"不能直接用，{errors} 处错误" if errors else "可以用"
        click.echo(f"{each.name}：{verdict}{notes}{wants}。")
    click.echo(f"{len(diagrams)} 张图，{len(diagrams) - bad} 张可以用。")
    if left:
        click.echo(f"还有 {left} 张没有看：一次最多看 {len(diagrams)} 张，请分成几个文件夹。")
    return bad + left


@process.command()
@CHOOSE
def publish(folders: tuple[Path, ...]) -> None:
    """发布流程：内容有变化的成为新版本，运行中的办件仍按原版本。不写 FOLDERS 就发布 bpmn 下的全部。"""
    from app import wire

    chosen = folders_named(folders)
    reach.database()
    wire()
    click.echo(f"发布到{reach.name()}：")
    bad = 0
    for published in publish_each(chosen):
        for line in published.lines:
            click.echo(line)
        if published.refused:
            bad += 1
            click.echo("\n".join([f"{published.folder}：没有发布。", *published.refused]), err=True)
    if bad:
        raise SystemExit(1)


@dataclass(frozen=True)
class Told:
    """What became of one folder: lines to print, and when it was refused every reason."""

    folder: str
    lines: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def publish_each(folders: list[Path] | None = None) -> Iterator[Told]:
    """Publishes folders (all below the settings' bpmn_dir), each by itself: a bad one keeps no other back.

    What is called comes before its callers, so that they call what lies beside them.
    """
    from app.processes.callees import in_order
    from app.processes.publish import publish_folder, shipped

    for folder in in_order(shipped(settings().bpmn_dir) if folders is None else folders):
        try:
            deployed = publish_folder(folder)
        except Problem as problem:
            if problem.status >= 500:  # the database, not the folder
                raise
            told = [error.message for error in problem.errors] or [problem.detail or problem.title]
            yield Told(folder.name, refused=tuple(told))
            continue
        version = deployed.version
        done = "已发布" if deployed.changed else "没有变化"
        line = f"流程“{version.name}”({version.key})：{done}，第 {version.number} 版 {version.id[:12]}。"
        behind = [
            f"“{each.name}”({each.key}) 调用它，仍用原来的一版；要用新的一版，请重新发布 {each.key}。"
            for each in deployed.behind
        ]
        yield Told(folder.name, (*map(shown, deployed.warnings), *pinned(deployed.pins), line, *behind))


@process.command("list")
def list_() -> None:
    """列出已发布的流程版本；* 是新办件使用的版本。"""
    from app.bundles import store

    reach.database()
    with db.reading() as session:
        rows = store.versions(session)
    if not rows:
        click.echo("还没有发布过流程；请运行 huying process publish。")
    for row in rows:
        mark = "*" if row.current else " "
        at = row.published_at.astimezone(BEIJING)
        click.echo(f"{mark} {row.key} 第 {row.number} 版 {row.id[:12]} {row.name} {at:%Y-%m-%d %H:%M}")


@process.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--scenario", help="只走这一个场景（文件名或名称）。")
@click.option("--coverage", is_flag=True, help="列出没有走到的元素、定时、消息和档，不到 100% 就算失败。")
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
def walk(folder: Path | None, scenario: str | None, coverage: bool, as_json: bool) -> None:
    """在一个临时的数据库里走流程的场景，把经过讲出来；不碰现有数据。

    FOLDER 是文件夹或流程的键；不写就走 bpmn 下的全部，每个流程一行：走通几个场景，走到几成元素。
    """
    if folder is None:
        if scenario or as_json:
            raise click.UsageError("--scenario、--json 要写明是哪个流程。")
        return _walk_all(coverage)
    walked, covered = _walked(folders_named((folder,), templates=True)[0], scenario)
    if as_json:
        told = [{"name": w.name, "title": w.title, "failed": w.failed, "lines": w.lines} for w in walked]
        told_json = {"scenarios": told, "percent": covered.percent, "missed": covered.missed_named}
        click.echo(json.dumps(told_json))
    else:
        _told_walk(walked, covered, coverage)
    if any(each.failed for each in walked) or (coverage and scenario is None and covered.missed):
        raise SystemExit(1)


def _walk_all(coverage: bool) -> None:
    """A line a process. Fails when a scenario does, or with `coverage` when an element was never reached."""
    bad = False
    for folder in folders_named((), templates=True):
        walked, covered = _walked(folder, None)
        bad |= any(each.failed for each in walked) or (coverage and bool(covered.missed))
        click.echo(f"{folder.name}：{_figures(walked, covered)}")
        for each in walked:
            if each.failed:
                click.echo(f"    ✗ {each.title}（{each.name}）：{each.failed}")
        if coverage and covered.missed:
            click.echo(f"    没有走到：{'、'.join(covered.missed_named)}")
    if bad:
        raise SystemExit(1)


def _walked(folder: Path, scenario: str | None) -> "tuple[list[Walked], Coverage]":
    """Walks a folder that passes its check, in a database of its own."""
    from app.processes.check import check_folder, org_beside
    from app.processes.walk import walk as walk_scenarios

    checked = check_folder(folder)
    if not checked.good:
        for finding in checked.findings:
            click.echo(shown(finding))
        raise click.ClickException(f"{folder.name} 没有通过检查，不能走场景。")
    org, _ = org_beside(folder)
    with staged(folder) as version:
        walked, covered = walk_scenarios(checked.files, version, org, scenario)
    if not walked:
        names = "、".join(checked.files.scenarios()) or "（没有）"
        raise click.ClickException(f"没有这个场景；scenarios/ 里有 {names}。")
    return walked, covered


def _figures(walked: "list[Walked]", covered: "Coverage") -> str:
    parts = "、".join(f"{kind} {reached}/{whole}" for kind, (reached, whole) in covered.parts.items())
    return (
        f"{sum(not each.failed for each in walked)}/{len(walked)} 个场景走通；"
        f"流程图元素、档走到 {len(covered.passed)}/{len(covered.every)}，{covered.percent}%"
        f"{f'（{parts}）' if parts else ''}。"
    )


def _told_walk(walked: "list[Walked]", covered: "Coverage", coverage: bool) -> None:
    for each in walked:
        click.echo(f"{'✗' if each.failed else '✓'} {each.title}（{each.name}）")
        for line in (*each.lines, *((f"✗ {each.failed}",) if each.failed else ())):
            click.echo(f"    {line}")
    click.echo(_figures(walked, covered))
    if coverage and covered.missed:
        click.echo(f"没有走到：{'、'.join(covered.missed_named)}")


def shown(finding: Finding) -> str:
    word = "错误" if finding.level == "error" else "提醒"
    return f"{word}  {finding.told}  [{finding.rule}]"
