"""The city's 12345 platform: its codes and a map of its field names, in the usual envelope."""

from pathlib import Path

from app.exchange.connectors import Connector, fieldmap
from app.exchange.connectors.enveloped import ACCEPTED, Enveloped

__all__ = ["ACCEPTED", "CONNECTOR", "MAP"]

MAP = fieldmap.load(Path(__file__).with_name("map.yaml"))
CONNECTOR: Connector = Enveloped(MAP)
