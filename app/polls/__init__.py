"""Polls of residents: who may vote, who has, and ballots that no row leads back to anybody."""
