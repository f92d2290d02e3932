"""What the library of the commands says to people, in Chinese: headings, hints and wrong usage.

It asks gettext under the names `_` and `ngettext` in each of its modules; we answer from the table below.
A text that is not in it stays English, so a new release of the library can break nothing.
"""

from types import ModuleType

import click
from click import core, decorators, exceptions, formatting, parser, types

WORDS = {
    "Usage:": "用法:",
    "Options": "选项",
    "Commands": "命令",
    "Positional arguments": "参数",
    "Show this message and exit.": "显示这段说明。",
    "default: {default}": "默认：{default}",
    "Aborted!": "已中断。",
    "Error: {message}": "{message}",
    "Try '{command} {option}' for help.": "用法见 {command} {option}",
    "Missing command.": "请写上命令。",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "Missing parameter: {param_name}": "缺少参数：{param_name}",
    "Missing {param_type}": "缺少 {param_type}",
    "Invalid value: {message}": "参数不对：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 不对：{message}",
    "No such option {name!r}.": "没有选项 {name}。",
    "No such command {name!r}.": "没有命令 {name}。",
    "Did you mean {possibility}?": "是不是想写 {possibility}？",
    "(Did you mean one of: {possibilities}?)": "（是不是想写其中一个：{possibilities}？）",
    "Got unexpected extra argument ({args})": "多写了参数：{args}",
    "Got unexpected extra arguments ({args})": "多写了参数：{args}",
    "Option {name!r} does not take a value.": "选项 {name} 后面不能写值。",
    "Option {name!r} requires an argument.": "选项 {name} 后面要写值。",
    "Option {name!r} requires {nargs} arguments.": "选项 {name} 后面要写 {nargs} 个值。",
    "{value!r} is not a valid {number_type}.": "{value} 不是数字。",
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 之内。",
    "{value!r} is not {choice}.": "{value} 不是 {choice}。",
    "{value!r} is not one of {choices}.": "{value} 不是其中之一：{choices}。",
}

ASKING: tuple[ModuleType, ...] = (core, decorators, exceptions, formatting, parser, types)


def speak() -> None:
    """From now on in this process."""
    for module in ASKING:
        for asked, answer in (("_", said), ("ngettext", counted)):
            if hasattr(module, asked):
                setattr(module, asked, answer)


def usage(command: click.Command) -> None:
    """The same for the words in the usage line of a command and of those below it."""
    command.options_metavar = "[选项]"
    if isinstance(command, click.Group):
        command.subcommand_metavar = "命令 [参数]…"
        for each in command.commands.values():
            usage(each)


def said(text: str) -> str:
    return WORDS.get(text, text)


def counted(one: str, many: str, number: int) -> str:
    return said(one if number == 1 else many)
