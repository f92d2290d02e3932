"""A played partner on the network: a door for what we send, buttons for who watches, a loop that looks."""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import urllib3
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from app.core import clock
from app.demo.city import City, Journal, Letter, Pace
from app.demo.grid import Grid

SLOWEST = 30.0
PAGE = """市级 12345 平台（模拟）
派出 {dispatched} 件，收到回复 {replies} 条、不受理 {declined} 件，回访 {called} 次，催办 {urged} 次。
按钮：POST /dispatch 再派一件；
POST /behave {{"next": ["500", "slow:3", "refuse:编号不存在"]}} 接下来几次怎样应答。
"""


class District:
    """How a played partner reaches the district: one POST, a token fetched anew when it was refused."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self.url, self._fetch = url, token
        self._token: str | None = None
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=2, read=10))

    def send(self, letter: Letter) -> tuple[int, dict[str, Any]]:
        try:
            self._token = self._token or self._fetch()
            answer = self._pool.request(
                "POST",
                f"{self.url}/api/v1/messages",
                body=orjson.dumps(letter),
                headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
                redirect=False,
            )
        except urllib3.exceptions.HTTPError:
            return 0, {}
        if answer.status == 401:
            self._token = None
        try:
            told = orjson.loads(answer.data)
        except orjson.JSONDecodeError:
            told = {}
        return answer.status, told if isinstance(told, dict) else {}


class Door:
    """The WSGI application."""

    def __init__(
        self,
        path: str,
        take: Callable[[Letter, float], Letter],
        page: Callable[[], str],
        buttons: Mapping[str, Callable[[float], Letter]],
    ) -> None:
        self.take, self.page = take, page
        self.answers = {
            ("POST", path): self._take,
            ("POST", "/behave"): self._behave,
            ("GET", "/"): self._page,
            **{("POST", name): _pressed(press) for name, press in buttons.items()},
        }
        self.next: deque[str] = deque()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        answer = self.answers.get((request.method, request.path))
        return (answer(request) if answer else Response(status=404))(environ, start_response)

    def _take(self, request: Request) -> Response:
        behaviour = self.next.popleft() if self.next else ""
        kind, _, what = behaviour.partition(":")
        if kind == "slow":
            clock.sleep(min(float(what or 1), SLOWEST))
        elif kind == "refuse":
            return _json({"code": "0001", "message": what or "不予受理"})
        elif kind.isdigit():
            return Response(status=int(kind))
        try:
            letter = orjson.loads(request.get_data())
        except orjson.JSONDecodeError:
            letter = None
        if not isinstance(letter, dict):
            return _json({"code": "0001", "message": "报文不是 JSON 对象"}, 400)
        return _json(self.take(letter, _now()))

    def _behave(self, request: Request) -> Response:
        try:
            asked = orjson.loads(request.get_data())
            self.next = deque(str(each) for each in asked["next"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return _json({"message": '应为 {"next": [...]}'}, 400)
        return _json({"next": list(self.next)})

    def _page(self, request: Request) -> Response:
        return Response(self.page(), mimetype="text/plain")


def city_door(city: City) -> Door:
    """The city's: replies come in, another order can be asked for."""
    return Door(
        "/orders", city.take, lambda: _told(city), {"/dispatch": lambda now: {"number": city.dispatch(now)}}
    )


def grid_door(grid: Grid) -> Door:
    """The grid centre's: reports come in, all of them can be hurried by a step."""
    buttons = {"/hurry": lambda now: {"told": grid.look(now, hurry=True)}}
    return Door("/reports", grid.take, grid.page, buttons)


def _told(city: City) -> str:
    known = list(city.orders.values())
    return PAGE.format(
        dispatched=len(known),
        declined=sum(order.declined for order in known),
        replies=sum(len(order.replies) for order in known),
        called=sum(len(order.called_back) for order in known),
        urged=sum(order.urged for order in known),
    )


def _pressed(press: Callable[[float], Letter]) -> Callable[[Request], Response]:
    return lambda request: _json(press(_now()))


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status=status, mimetype="application/json")


def _now() -> float:
    return clock.wall().timestamp()


class _Quiet(WSGIRequestHandler):
    """One line a request is too much for a stub that talks all day."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(
    port: int,
    district: District,
    seed: str,
    pace: Pace,
    file: Path,
    stopped: Callable[[], bool],
    first: float = 5.0,
) -> None:
    """Plays the city until `stopped`: the door on 127.0.0.1, and a look about every second."""
    city = City(seed, pace, Journal(file), district.send, clock.wall())
    _serve(port, city_door(city), lambda: city.look(_now()), min(1.0, pace.every), stopped, first)


def serve_grid(
    port: int, district: District, seed: str, step: float, file: Path, stopped: Callable[[], bool]
) -> None:
    """Plays the grid centre until `stopped`."""
    grid = Grid(seed, step, Journal(file), district.send)
    _serve(port, grid_door(grid), lambda: grid.look(_now()), min(1.0, step), stopped)


def _serve(
    port: int,
    door: Door,
    look: Callable[[], Any],
    every: float,
    stopped: Callable[[], bool],
    first: float = 0.0,
) -> None:
    server = make_server("127.0.0.1", port, door, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    clock.pause(first, stopped)
    while not stopped():
        look()
        clock.pause(every * random.uniform(0.8, 1.2), stopped)
    server.shutdown()
    thread.join(5)
