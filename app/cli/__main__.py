"""`python -m app.cli`: the same command where no script is installed."""

from app.cli import main

main(prog_name="huying")
