"""`huying keys`: the keyring file, which keys there are, and new ones instead of old ones."""

from pathlib import Path

import click

from app.audit import streams
from app.cli import reach
from app.core import clock, db
from app.crypto import data_keys, keyring, rotate
from app.identity.actor import SYSTEM


@click.group()
def keys() -> None:
    """密钥：制作密钥文件、查看、更换。"""


@keys.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def init(file: Path | None) -> None:
    """制作密钥文件（默认是 HUYING_KEYS 指的文件）；已经有了就不改动。"""
    path = (file or keyring.chosen()).absolute()
    made = keyring.make(path)
    click.echo(f"已制作密钥文件 {path}，主密钥 {made.active}，权限 0400。")
    click.echo("请马上把它另存一份到别处（不要与数据库备份放在一起）：丢了它，加密的内容永远打不开。")


@keys.command("list")
def list_() -> None:
    """主密钥、数据密钥各有多少，数据库需要哪些主密钥。"""
    ring = keyring.current()
    reach.database()
    with db.reading() as session:
        needed = {row.kek_id: row.keys for row in session.execute(data_keys.KEKS)}
        kinds = session.execute(data_keys.KINDS).all()
    click.echo(f"密钥文件 {keyring.chosen()}")
    for kek in ring.keks.values():
        use = "使用中" if kek.id == ring.active else "只用于打开旧的"
        click.echo(f"  主密钥 {kek.id}  {kek.made} 制作  {use}  包装 {needed.pop(kek.id, 0)} 个数据密钥")
    for kek_id, count in needed.items():
        click.echo(f"  主密钥 {kek_id}  密钥文件里没有！ {count} 个数据密钥打不开")
    for row in kinds:
        words = f"{data_keys.PURPOSES[row.purpose]}：{data_keys.STATES[row.state]}"
        click.echo(f"  数据密钥  {words} {row.keys} 个")


@keys.group("rotate")
def rotate_() -> None:
    """更换密钥；可以在使用中进行，中断了再运行一次就接着做。"""


@rotate_.command()
@click.option("--prepare", is_flag=True, help="只制作新的主密钥，先不用；几台机器时先抄给每一台。")
def kek(prepare: bool) -> None:
    """换主密钥：制作新的（或用 --prepare 已制作的），把全部数据密钥改由它包装。"""
    path = keyring.chosen()
    reach.database()
    if prepare:
        made = rotate.prepare_kek(path)
        _told("keys.prepared", made.id, {})
        click.echo(f"新的主密钥 {made.id} 已写进 {path}，还没有使用。")
        click.echo("请把这个文件抄给每一台机器，再运行 huying keys rotate kek。")
        return
    new = rotate.use_newest(path)
    done = rotate.wrap_all(lambda count: click.echo(f"  已改 {count} 个……"))
    _told("keys.rotated", new.id, {"wrapped": done})
    click.echo(f"现在使用主密钥 {new.id}，{done} 个数据密钥已改由它包装。")
    click.echo(
        "旧的主密钥还在文件里：旧备份要用它打开。请把新的密钥文件另存一份；还有别的机器时，再抄给它们。"
    )


def _told(kind: str, kek_id: str, data: dict[str, int]) -> None:
    """Keeps in the audit that the keys changed."""
    with db.transaction() as session:
        entry = streams.Entry(streams.ADMIN, kind, SYSTEM.id, kek_id, data, clock.now(session))
        streams.append(session, entry)
