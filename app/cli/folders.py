"""Which process folders a command means: named by path, by key, by one of their files, or all of them."""

from pathlib import Path

import click

from app.core.config import settings


def folders_named(folders: tuple[Path, ...], *, templates: bool = False) -> list[Path]:
    """Folders named by path or by key, or all below one that holds processes; none named: below bpmn_dir."""
    from app.processes.publish import shipped

    base = settings().bpmn_dir
    if not folders:
        return _below(base, templates)
    chosen = []
    for folder in folders:
        found = folder_of(folder) if folder.exists() else base / folder
        if not found.is_dir():
            names = "、".join(each.name for each in shipped(base))
            raise click.ClickException(f"没有文件夹 {folder}；{base.name}/ 下有 {names or '（没有）'}。")
        chosen += _below(found, templates) if _holds_processes(found) else [found.resolve()]
    return chosen


def _below(base: Path, templates: bool) -> list[Path]:
    from app.processes.publish import shipped

    template = base / "_template"
    return [*([template] if templates and template.is_dir() else []), *shipped(base)]


def _holds_processes(folder: Path) -> bool:
    """Whether process folders lie in it, and no diagram that is none of theirs."""
    from app.processes.loose import ENDINGS

    inside = list(folder.iterdir())
    alone = any(each.suffix in ENDINGS for each in inside)
    return not alone and any((each / "process.yaml").is_file() for each in inside)


def folder_of(path: Path) -> Path:
    """The process folder itself, or the one that a file of a process lies in."""
    if path.is_dir():
        return path
    inside = path.resolve().parents[:2]
    return next((each for each in inside if (each / "process.yaml").is_file()), inside[0])
