"""The engine room: tokens, diagrams and expressions; no person, no database, no HTTP, no calendar."""

import logging

# The library writes a record per state change. What happened is told by `Run.trace`, so keep it quiet.
logging.getLogger("spiff").setLevel(logging.WARNING)
