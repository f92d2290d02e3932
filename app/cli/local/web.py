"""granian's command line: the application is loaded once, before it forks, and its workers stop when asked.

Loaded by each worker anew it would cost each most of a second and its own copy in memory. And a worker that
refuses its settings ends, and a server that respawns workers may start it again for ever: here the server
itself refuses.

A worker is forked with the server's own signal handler in place, which only sets a flag of the server: a
SIGTERM that arrives before the worker has installed its own would be lost, and the server would wait for it
until the kill timeout, half a minute. So a worker is born with the default action, without a moment between.
"""

import gc
import os
import signal
import sys
from importlib import import_module

from app.cli.local.tie import die_with_parent

QUICK = (signal.SIGTERM, signal.SIGINT)


def load(target: str) -> None:
    """Imports the application, such as `wsgi:application`; ends us with one plain line on wrong settings."""
    import_module(target.partition(":")[0])
    from app.core import db

    db.current().dispose()  # the workers have connections of their own
    gc.freeze()  # a collection in a worker would write to what it shares with us


def born_stoppable() -> None:
    """From now on children of this process start with the default action for the signals that end them."""
    parent = os.getpid()

    def begin() -> None:
        for number in QUICK:
            signal.signal(number, signal.SIG_DFL)
        release()
        if os.environ.get("HUYING_TIED"):
            # A killed server would leave them serving the port for ever. At once: one that drains without its
            # server may never end, and the transactions it was in would stay open.
            die_with_parent(parent, signal.SIGKILL)

    def hold() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, QUICK)

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, QUICK)

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=begin)


if __name__ == "__main__":
    load(sys.argv[-1])
    from granian.cli import entrypoint

    born_stoppable()
    sys.argv[0] = "granian"
    entrypoint()
