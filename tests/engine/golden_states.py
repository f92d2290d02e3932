"""The corpus of old states: `tests/golden/states/<format>/<bundle>/`, written by every release, never edited.

A bundle's folder holds `process.bpmn`, what it calls (`called/<key>.bpmn`), its tables (`decisions/*.dmn`), and
for each step `<step>.bin` (the state) and `<step>.json` (the instant, the data and the Picture expected).
`golden_walks` writes what is missing for the current format and leaves everything that is there untouched.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from app.engine import state
from app.engine.parser import parse
from app.engine.picture import Picture
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.conftest import MONDAY, Bench, Case
from tests.engine.drawing import Drawing

NOTHING: Mapping[str, Any] = {}
ROOT = Path(__file__).parent.parent / "golden" / "states"


@dataclass(frozen=True)
class Golden:
    """One old state with its bundle."""

    folder: Path
    step: str

    @property
    def format(self) -> str:
        """The format number of its time."""
        return self.folder.parent.name

    @property
    def name(self) -> str:
        """format/bundle/step."""
        return f"{self.format}/{self.folder.name}/{self.step}"

    @property
    def bytes(self) -> bytes:
        """The state."""
        return (self.folder / f"{self.step}.bin").read_bytes()

    @property
    def told(self) -> dict[str, Any]:
        """Version, instant, data and Picture as stored."""
        found: dict[str, Any] = orjson.loads((self.folder / f"{self.step}.json").read_bytes())
        return found

    @property
    def expected(self) -> Any:
        """The Picture it must still settle to."""
        return self.told["picture"]

    def version(self) -> Version:
        """Its diagram, parsed by today's code."""
        return _version(self.folder, self.told["version"])

    def env(self) -> Bench:
        """The environment of its time."""
        return desk(datetime.fromisoformat(self.told["now"]), **self.told["data"])

    @staticmethod
    def described(picture: Picture) -> Any:
        """A Picture as JSON holds it; what lies in no called process does not say so.

        Which whole an item is of is told since the first states were written; `test_repeats` looks at it.
        """
        told = orjson.loads(orjson.dumps(_plain(asdict(picture))))
        for each in told["tasks"]:
            del each["whole"]
        for each in told["tasks"] + told["waits"]:
            if not each["within"]:
                del each["within"]
        return told


def _plain(value: Any) -> Any:
    if isinstance(value, dict) or hasattr(value, "items"):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def desk(now: datetime = MONDAY, **data: Any) -> Bench:
    """The environment of a walk: its data, and the one handler that the diagrams call."""
    return Bench(now=now, data=data, handlers={"notices.send": lambda **_: {"ticket": "T1"}})


@lru_cache
def _version(folder: Path, version: str) -> Version:
    keys = {path.stem: path.stem for path in sorted(folder.glob("called/*.bpmn"))}

    @lru_cache
    def find(key: str) -> Version:
        return parse(Source(key, key, (folder / "called" / f"{key}.bpmn").read_bytes(), keys), find)

    tables = {path.name: path.read_bytes() for path in sorted(folder.glob("decisions/*.dmn"))}
    diagram = (folder / "process.bpmn").read_bytes()
    return parse(Source(version, folder.name, diagram, keys, decisions=tables), find)


def every_golden_state() -> list[Golden]:
    """The whole corpus."""
    return [Golden(path.parent, path.stem) for path in sorted(ROOT.glob("*/*/*.bin"))]


class Writer:
    """Keeps the states of one walk; a step written once is never written again."""

    def __init__(
        self,
        bundle: str,
        drawing: Drawing,
        env: Bench,
        *,
        called: Mapping[str, Drawing] = NOTHING,
        tables: Mapping[str, bytes] = NOTHING,
        start: str | None = None,
    ) -> None:
        self.folder = ROOT / str(state.FORMAT) / bundle
        files = {"process.bpmn": drawing.bytes()}
        files |= {f"called/{key}.bpmn": inner.bytes() for key, inner in called.items()}
        files |= {f"decisions/{name}": table for name, table in tables.items()}
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(content)
        self.case = Case(drawing, env, _version(self.folder, "c" * 64), start)

    def keep(self, step: str) -> None:
        """Writes the state as it is now under the name of a step."""
        if (self.folder / f"{step}.bin").exists():
            return
        told = {
            "version": self.case.version.version,
            "now": self.case.env.now.isoformat(),
            "data": self.case.env.data,
            "picture": Golden.described(self.case.wake().settle()),
        }
        (self.folder / f"{step}.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
        (self.folder / f"{step}.bin").write_bytes(self.case.state)
