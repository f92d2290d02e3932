"""委派, 交办, 上报, 加签: work on a task that others share, over HTTP."""
