"""Policies: how long cases may take, by which version of the rules, and what another version would do."""
