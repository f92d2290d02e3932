"""Files from outside: read whole or refused in plain words, each line checked as a request would be."""
