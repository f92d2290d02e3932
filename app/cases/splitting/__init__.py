"""拆分: one case becomes several, each with its own number and way."""
