"""The web process: `granian --interface wsgi wsgi:application`."""
# ruff: noqa: E402 - the two steps before the imports must not wait for them: those take half a second

import multiprocessing
import os
import signal

_server = multiprocessing.parent_process()
if _server is not None:
    # Nothing to finish yet. A signal that arrives while we load would otherwise reach the handler of the
    # server, which this process inherited and which does nothing here: we would stay thirty seconds more.
    for _number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_number, signal.SIG_DFL)

if os.environ.get("HUYING_TIED"):
    # A killed server process would otherwise leave its workers serving the port for ever.
    from app.cli.local.tie import die_with_parent

    die_with_parent(_server.pid if _server and _server.pid else os.getppid())

import sys

from app import begin, create_app
from app.core.config import SettingRefused

try:
    begin()
    application = create_app()
except SettingRefused as refused:
    print(f"网页进程没有启动：{refused}", file=sys.stderr, flush=True)
    sys.exit(1)

from app.core import startup

startup.say_what_is_behind()
