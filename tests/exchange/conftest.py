"""A process that talks: it reports to the city and waits for the city's word; and doors to talk to."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.bundles.files import BundleFiles
from app.core import config, db
from app.exchange import endpoints
from tests.engine.drawing import Drawing
from tests.exchange.partner import Partner, partner
from tests.world import World, build, bundle_of, by_role

TALKS = "talks"

MESSAGES = """
city.dispatch: {direction: in, starts: true, key: externalNo, data: {title: $.title, content: $.content, level: $.level, received_at: $.receivedAt, place_unit: $.location.communityCode}}
city.callback: {direction: in, key: externalNo, several: oldest, data: {solved: $.solved, caller: $.caller.name}}
city.reply: {direction: out, to: connector:city12345, body: {externalNo: external_no, result: note}}
city.more: {direction: out, to: connector:city12345, body: {externalNo: external_no, result: '"再报一次"'}}
"""


def talks(
    key: str = TALKS, messages: str = MESSAGES, starts: str = "[api, 'message:city.dispatch']"
) -> BundleFiles:
    """办理 → 报市级两次 → 等市级回访 → 归档; begun by hand or by the city."""
    drawing = (
        Drawing(key)
        .declare("message", "city.dispatch", "city.callback", "city.reply", "city.more")
        .start()
        .event("startEvent", "from_city", "message", "city.dispatch")
        .task("handle", by_role())
        .throw("reply", "message", "city.reply")
        .throw("more", "message", "city.more")
        .catch("callback", "message", "city.callback")
        .task("archive", by_role())
        .end()
        .line("start", "handle", "reply", "more", "callback", "archive", "end")
        .line("from_city", "handle")
    )
    return bundle_of(
        key,
        drawing,
        starts=starts,
        data="solved: {type: bool, label: 已解决}, caller: {type: text, label: 来电人}, note: {type: text, label: 办理结果}, "
        "level: {type: choice, of: [一般, 紧急], label: 紧急程度}",
        forms={"done": "title: 办理\nfields:\n  - {name: note}\n"},
        messages=messages,
    )


@pytest.fixture
def world(database: db.Database) -> World:
    """The district with the process that talks."""
    return build(database, talks())


@pytest.fixture
def city() -> Iterator[Partner]:
    """The city's door."""
    with partner() as door:
        yield door


Configure = Callable[..., None]


@pytest.fixture
def configure(tmp_path: Path) -> Iterator[Configure]:
    """Writes the file of endpoints: `configure(city12345=door.url, other={…})`."""
    before: list[config.Settings] = []

    def write(**systems: str | dict[str, object]) -> None:
        lines = []
        for name, about in systems.items():
            given: dict[str, object] = {"url": about} if isinstance(about, str) else about
            whole = {
                "adapter": "city12345",
                "allow": ["127.0.0.0/8:" + str(given["url"]).split(":")[2].split("/")[0]],
                **given,
            }
            lines.append(f"{name}:")
            lines += [
                f"  {key}: {str(value).lower() if isinstance(value, bool) else value}"
                for key, value in whole.items()
            ]
        file = tmp_path / "connectors.yaml"
        file.write_text("\n".join(lines), "utf-8")
        before.append(config.settings())
        config.use(replace(config.settings(), connectors=file))
        endpoints.forget()

    yield write
    if before:
        config.use(before[0])
    endpoints.forget()
