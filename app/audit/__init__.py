"""What happened, kept so that a later change shows: chains per case, streams for the rest."""
