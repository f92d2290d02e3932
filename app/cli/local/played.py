"""The played partners beside `huying up`: their ports, their files, how our own processes hear of them."""

import socket
import sys
from collections.abc import Mapping

from app.cli.local import LocalRefused
from app.cli.local.children import Child, Children
from app.cli.local.folder import Folder
from app.core.config import REPOSITORY

CITY, GRID = "city", "grid"
CALLED = {CITY: "模拟的市级平台", GRID: "模拟的网格中心"}
"""The partners that are played, and what people call them."""
PORTS = range(8010, 8110)

_CONNECTORS = """# 由 huying up 写成：示范环境里，市级 12345 平台、区网格中心由本机的模拟系统扮演。
city12345:
  adapter: city12345
  url: http://127.0.0.1:{city}/orders
  allow: ["127.0.0.1/32:{city}"]
  account: city
  stub: true
grid:
  adapter: grid
  url: http://127.0.0.1:{grid}/reports
  allow: ["127.0.0.1/32:{grid}"]
  account: grid
  stub: true
"""


class Played:
    """The played partners of one run; `every` seconds the city dispatches."""

    def __init__(self, place: Folder, every: float) -> None:
        self.place, self.every = place, every
        self.ports = dict(zip(CALLED, _free_ports(len(CALLED)), strict=True))

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def connectors(self) -> str:
        """Writes the file that HUYING_CONNECTORS names; its path."""
        file = self.place.stub / "connectors.yaml"
        file.write_text(_CONNECTORS.format(**self.ports), "utf-8")
        return str(file)

    def start(self, name: str, children: Children, environ: Mapping[str, str], house: str) -> Child:
        options = {
            "--url": house,
            "--port": str(self.ports[name]),
            "--journal": str(self.place.stub / f"{name}.jsonl"),
            **self._pace(name),
        }
        words = [word for option in options.items() for word in option]
        return children.start(
            name,
            [sys.executable, "-m", "app.cli", "stub", name, *words],
            environ=environ,
            cwd=REPOSITORY,
            seconds=15,
            log=self.place.log(name),
        )

    def _pace(self, name: str) -> dict[str, str]:
        soon = str(min(20.0, self.every))
        if name == GRID:
            return {"--step": soon}
        first = str(min(5.0, self.every))
        return {"--every": str(self.every), "--back": soon, "--urge": str(self.every * 5), "--first": first}


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise LocalRefused(f"{PORTS[0]}–{PORTS[-1]} 没有空闲端口给模拟的对接系统；可以加 --no-stub。")
