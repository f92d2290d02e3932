"""The page of handlers and permissions names each of them as the code does, and no other.

`python -m tests.docs.test_handlers_page` writes its tables anew.
"""

from pathlib import Path

from app.cases import handlers
from app.identity.permissions import ALL
from tests.docs.test_diagram_guide import ROOT

PAGE = ROOT / "docs" / "handlers.md"


def ours() -> list[handlers.Handler]:
    """Those of the product; what tests registered lies elsewhere."""
    return [
        each for _, each in sorted(handlers.every().items()) if each.function.__module__.startswith("app.")
    ]


def handler_rows() -> list[str]:
    rows = []
    for each in ours():
        signature = each.signature
        takes = [*sorted(signature.needs), *(f"{name}（可不写）" for name in sorted(signature.takes))]
        gives = sorted(signature.gives)
        rows.append(
            f"| `{each.name}` | {each.says} | {'、'.join(takes) or '—'} | {'、'.join(gives) or '—'} |"
        )
    return rows


def permission_rows() -> list[str]:
    return [f"| `{each}` | {each.label} |" for each in sorted(ALL.values())]


def rows_below(heading: str) -> list[str]:
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_every_handler_is_listed_with_what_it_takes_and_gives() -> None:
    assert rows_below("处理程序") == handler_rows()


def test_every_permission_is_listed_with_its_name() -> None:
    assert rows_below("权限") == permission_rows()


def test_the_page_is_found_from_where_one_looks_for_it() -> None:
    for name in ("diagram-guide.md", "add-a-process.md"):
        assert "(handlers.md" in (Path(PAGE.parent) / name).read_text(encoding="utf-8")


def write() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for heading, rows in (("处理程序", handler_rows()), ("权限", permission_rows())):
        text = text.replace("\n".join(rows_below(heading)), "\n".join(rows), 1)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
