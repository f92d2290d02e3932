"""Clocks people can trust: what is measured, since when, until when, and why."""
