"""What a process asks of the kernel: word when its parent ends, however that ends, and a name of its own."""

import ctypes
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def die_with_parent(parent: int, stop: int = signal.SIGTERM) -> None:
    """Asks the kernel to send us `stop` when the thread that forked us ends; ends us if it is gone."""
    if _libc is not None:  # elsewhere an orderly stop still works, only kill -9 leaves children
        _libc.prctl(PR_SET_PDEATHSIG, int(stop))
        if os.getppid() != parent:
            os._exit(1)


def be_called(name: str) -> None:
    """Names this process for `ps -o comm` and `top`: at most 15 letters."""
    if _libc is not None:
        _libc.prctl(PR_SET_NAME, name.encode())
