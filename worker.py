"""The background process: a ticker, an RQ worker that does what it is hinted at, a postman for messages.

`python worker.py`; SIGTERM drains ≤ 30 s. Without REDIS_URL there is no RQ worker, and the ticker does the
work itself.
"""

import os
import sys

from app import begin
from app.cli.local.tie import die_with_parent
from app.core.config import SettingRefused

if __name__ == "__main__":
    if os.environ.get("HUYING_TIED"):
        die_with_parent(os.getppid())
    try:
        begin()
    except SettingRefused as refused:
        print(f"后台进程没有启动：{refused}", file=sys.stderr)
        sys.exit(1)
    from app.cli import background  # a wrong setting need not wait for it

    background.serve()
