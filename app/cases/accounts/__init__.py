"""Accounts that end: what somebody who leaves still holds goes back to whom it belongs."""
