"""Measures of process.yaml as SQL over the tables of cases."""
