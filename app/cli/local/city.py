"""The played city beside `huying up`: its port, its files, and how our own processes are told of it."""

import socket
import sys
from collections.abc import Mapping

from app.cli.local import LocalRefused
from app.cli.local.children import Child, Children
from app.cli.local.folder import Folder
from app.core.config import REPOSITORY

CITY = "city"
PORTS = range(8010, 8110)

_CONNECTORS = """# 由 huying up 写成：示范环境里，市级 12345 平台由本机的模拟系统扮演。
city12345:
  adapter: city12345
  url: http://127.0.0.1:{port}/orders
  allow: ["127.0.0.1/32:{port}"]
  account: city
  stub: true
"""


class City:
    """One played city for one run."""

    def __init__(self, place: Folder, every: float) -> None:
        self.place, self.every, self.port = place, every, _free_port()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connectors(self) -> str:
        """Writes the file that HUYING_CONNECTORS names; its path."""
        file = self.place.stub / "connectors.yaml"
        file.write_text(_CONNECTORS.format(port=self.port), "utf-8")
        return str(file)

    def start(self, children: Children, environ: Mapping[str, str], house: str) -> Child:
        options = {
            "--url": house,
            "--port": str(self.port),
            "--journal": str(self.place.stub / "city.jsonl"),
            "--every": str(self.every),
            "--back": str(min(20.0, self.every)),
            "--urge": str(self.every * 5),
            "--first": str(min(5.0, self.every)),
        }
        words = [word for option in options.items() for word in option]
        return children.start(
            CITY,
            [sys.executable, "-m", "app.cli", "stub", "city", *words],
            environ=environ,
            cwd=REPOSITORY,
            seconds=15,
            log=self.place.log(CITY),
        )


def _free_port() -> int:
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LocalRefused(f"{PORTS[0]}–{PORTS[-1]} 没有空闲端口给模拟的市级平台；可以加 --no-stub。")
