"""Making .venv on a machine that lacks something: one clear line, never a page of somebody else's words."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.core.config import REPOSITORY


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing installed."""
    for name in ("bootstrap.py", "pyproject.toml", "requirements.lock", "Makefile"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def bootstrap(checkout: Path, before: str) -> "subprocess.CompletedProcess[str]":
    """Runs bootstrap.py after `before` has taken something away from its Python."""
    code = f"import runpy, sys; {before}; runpy.run_path('bootstrap.py', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_python_without_ensurepip_is_named_in_one_line(checkout: Path) -> None:
    done = bootstrap(checkout, "sys.modules['ensurepip'] = None")

    told = [line for line in done.stderr.splitlines() if not line.startswith("正在准备")]
    assert done.returncode == 1
    assert len(told) == 1
    assert "没有 ensurepip" in told[0]
    assert "python3-venv" in told[0]


def test_an_old_python_is_named_in_one_line(checkout: Path) -> None:
    done = bootstrap(checkout, "sys.version_info = (3, 9, 2)")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "需要 Python 3.11" in done.stderr


def test_a_package_without_a_wheel_for_this_machine_is_named_in_one_line(checkout: Path) -> None:
    lock = checkout / "requirements.lock"
    lock.write_text("huying-no-such-wheel==1.0 --hash=sha256:" + "0" * 64 + "\n")

    alone = "PIP_NO_INDEX='1', PIP_FIND_LINKS='', PIP_CONFIG_FILE='/dev/null'"
    done = bootstrap(checkout, f"import os; os.environ.update({alone})")

    told = [line for line in done.stderr.splitlines() if not line.startswith("正在准备")]
    assert done.returncode == 1
    assert len(told) == 1
    assert "huying-no-such-wheel==1.0" in told[0]
    assert not (checkout / ".venv/huying-ready").exists()


def test_the_lock_names_no_address_and_hashes_every_package() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    packages = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]

    assert "://" not in lock
    assert len(packages) > 40
    for block in lock.split("\n    --hash")[:1]:
        assert "==" in block
    assert all(line.endswith("\\") for line in packages), "a package without a hash"


def test_the_lock_holds_everything_the_project_asks_for() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    locked = dict(
        re.findall(
            r"^([a-z0-9.-]+)(?:\[[^]]*\])?==(\S+)",
            (REPOSITORY / "requirements.lock").read_text(),
            re.MULTILINE,
        )
    )

    wanted = [Requirement(line) for line in asked]

    assert [
        str(one) for one in wanted if not one.specifier.contains(locked.get(canonicalize_name(one.name), ""))
    ] == []


def test_make_lists_what_it_can_do() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout

    for target in ("run", "test", "check", "bench", "bench-engine", "lock", "clean"):
        assert f"make {target} " in told
