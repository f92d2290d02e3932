"""The door for workflows/: what a process may need beyond its folder. Nothing else of app/ is imported there.

A file workflows/<key>/handlers.py registers what service tasks of bpmn/<key> may call:

    from app.sdk import Context, handler

    @handler("my_process.greet", "问候", needs=("name",), gives=("greeting",))
    def greet(context: Context) -> dict[str, str]:
        return {"greeting": f"您好，{context.params['name']}"}
"""

from app.cases.handlers import Context, HandlerTwice, handler

__all__ = ["Context", "HandlerTwice", "handler"]
