"""Cases and tasks: everything a person sees of a case, and the one way a case moves."""
