"""The demo: synthetic districts, people and work orders, and a house in which they have been dealt with."""
