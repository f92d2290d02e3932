"""granian's command line: settings are checked first, workers can be stopped from their first moment on.

A worker is forked with the server's own signal handler in place, which only sets a flag of the server: a
SIGTERM that arrives before the worker has installed its own would be lost, and the server would wait for it
until the kill timeout, half a minute. So a worker is born with the default action, without a moment between.

A worker that refuses its settings ends, and a server that respawns workers may start it again for ever: two
of them hide each other from its guard against crash loops. So the server is not even started.
"""

import os
import signal
import sys

QUICK = (signal.SIGTERM, signal.SIGINT)


def refuse_wrong_settings() -> None:
    """Ends this process with one plain line when the environment is wrong."""
    from app.core.config import SettingRefused, settings
    from app.crypto import keyring

    try:
        settings().database()
        keyring.current()
        if settings().connectors is not None:
            from app.exchange import endpoints

            endpoints.configured()
    except SettingRefused as refused:
        print(f"网页进程没有启动：{refused}", file=sys.stderr)
        sys.exit(1)


def born_stoppable() -> None:
    """From now on children of this process start with the default action for the signals that end them."""
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_begin)


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, QUICK)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, QUICK)


def _begin() -> None:
    for number in QUICK:
        signal.signal(number, signal.SIG_DFL)
    _release()


if __name__ == "__main__":
    refuse_wrong_settings()
    from granian.cli import entrypoint

    born_stoppable()
    sys.argv[0] = "granian"
    entrypoint()
