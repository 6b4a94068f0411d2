"""`python -m selfservice`, the same as the command."""

from selfservice.cli import main

main()
