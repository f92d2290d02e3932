"""Every verb of scenarios: those that the acts of each room register."""

from app.processes import case_acts, poll_acts, publication_acts, request_acts, substitute_acts, task_acts
from app.processes.acts import ACTS

__all__ = ["ACTS", "ROOMS"]

ROOMS = (task_acts, case_acts, request_acts, poll_acts, publication_acts, substitute_acts)
"""In the order in which their verbs are listed to people."""
