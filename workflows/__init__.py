"""Python that one process needs beyond its folder: workflows/<key>/; imports app.sdk only. Empty so far."""
