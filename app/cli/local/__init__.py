"""What `huying up` and the tests start on this machine: PostgreSQL and Valkey from wheels, tied to us."""


class LocalRefused(RuntimeError):
    """One clear Chinese line that says why nothing was started and what to do."""


class Stopped(RuntimeError):
    """Somebody asked us to stop while we were still starting."""
