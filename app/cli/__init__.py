"""The command `huying`: one file per noun, imported only when its command is called."""

from importlib import import_module
from typing import Any

import click

from app.cli import chinese

COMMANDS = {
    # name: (module, attribute, what the list of commands says)
    "up": ("app.cli.up", "up", "在本机启动全部服务（数据库、消息、网页、后台），Ctrl-C 停止。"),
    "migrate": ("app.cli.db", "migrate", "把数据库结构升级到当前版本。"),
    "revise": ("app.cli.db", "revise", "开发：按数据表的变化生成一个编号的迁移文件。"),
    "demo": ("app.cli.demo", "demo", "示范数据与拨动示范时钟。"),
    "process": ("app.cli.process", "process", "检查、发布与查看流程。"),
    "sla": ("app.cli.sla", "sla", "时限规则：发布以前试算，发布以后让在办的件换用。"),
    "categories": ("app.cli.categories", "categories", "导入诉求分类表，说明变化。"),
    "calendar": ("app.cli.calendar", "calendar", "装入、导入与查看工作日历，说明变化。"),
    "timers": ("app.cli.timers", "timers", "定时是否在走；时钟跳变后恢复。"),
    "notices": ("app.cli.notices", "notices", "检查通知规则：什么事件告诉谁。"),
    "search": ("app.cli.search", "search", "重建办件的检索词。"),
    "import": ("app.cli.import_", "import_", "从文件导入工单。"),
    "account": ("app.cli.account", "account", "服务账号的令牌：签发、收回。"),
    "stub": ("app.cli.stub", "stub", "模拟的对方系统（市级 12345 平台），示范用。"),
    "files": ("app.cli.files", "files", "核对附件的内容。"),
    "audit": ("app.cli.audit", "audit", "核对审计链。"),
    "keys": ("app.cli.keys", "keys", "密钥：制作密钥文件、查看、更换。"),
    "openapi": ("app.cli.openapi", "openapi", "输出接口文档（OpenAPI 3.1）。"),
}

chinese.speak()  # before any command is made: it keeps the words of its help


class Nouns(click.Group):
    """A group that imports the module of a command when somebody calls it: `huying --help` stays quick."""

    def main(self, *words: Any, **how: Any) -> Any:
        chinese.usage(self)
        return super().main(*words, **how)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError):
            raise
        except Exception as error:
            line = plain(error)
            if line is None:
                raise
            raise click.ClickException(line) from None

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(import_module(module), attribute)
        chinese.usage(command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("命令"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


def plain(error: Exception) -> str | None:
    """One line for what a person can act on; None for a mistake of ours, whose traceback is wanted."""
    from sqlalchemy.exc import SQLAlchemyError

    from app.core.config import SettingRefused
    from app.core.errors import Problem
    from app.core.http.problem import from_database

    if isinstance(error, SettingRefused):
        return str(error)
    problem = error if isinstance(error, Problem) else from_database(error)
    if problem is not None:
        return problem.detail or problem.title
    if isinstance(error, SQLAlchemyError):
        # Its own text holds the statement, and with it what somebody typed.
        return f"数据库不接受这一步（{type(error).__name__}）；请先运行 huying migrate，再试一次。"
    return None


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """呼应 Huying：以流程引擎为中心的基层治理办件系统。"""
    if context.invoked_subcommand != "up":
        from app.cli import reach

        reach.attach()
