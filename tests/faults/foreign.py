"""Jobs that we did not write, as somebody would put them into Valkey; run as a script, a worker without our guard.

Each names code that leaves a mark: a function, callbacks for success and failure, and a pickle that runs where it is
unpacked.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Callback, Queue, SimpleWorker
from rq.serializers import DefaultSerializer, JSONSerializer

KINDS = ("function", "success", "failure", "pickle")
QUEUES = ("foreign-json", "foreign-pickle")


def touched(job: Any, *_: object) -> None:
    """A callback: stored by its name, called with the job."""
    Path(job.meta["mark"]).touch()


def put(redis: Redis, folder: Path, json: str, pickled: str) -> None:
    """Writes one job of each kind; their marks would be files in `folder` named as the kind."""
    name = f"{__spec__.name if __spec__ else 'tests.faults.foreign'}.{touched.__name__}"
    queue = Queue(json, connection=redis, serializer=JSONSerializer)
    queue.enqueue_call("os.system", args=(f"touch {folder / 'function'}",))
    good, bad = ("app.core.wake.hint", ([],)), ("os.kill", ())
    for kind, (function, args), when in (("success", good, "on_success"), ("failure", bad, "on_failure")):
        queue.enqueue_call(function, args=args, meta={"mark": str(folder / kind)}, **{when: Callback(name)})
    Queue(pickled, connection=redis).enqueue_call(_Touches(f"touch {folder / 'pickle'}"))


class _Touches:
    def __init__(self, command: str) -> None:
        self.command = command

    def __call__(self) -> None:
        """Never reached: unpacking is enough."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def run_unguarded(url: str) -> None:
    """What the library's own worker does with these jobs."""
    redis = Redis.from_url(url)
    for name, serializer in zip(QUEUES, (JSONSerializer, DefaultSerializer), strict=True):
        queue = Queue(name, connection=redis, serializer=serializer)
        SimpleWorker([queue], connection=redis, serializer=serializer).work(burst=True)


if __name__ == "__main__":
    run_unguarded(sys.argv[1])
