"""The command line; each command is a module, imported only when it is called."""

EXIT_FAILED = 1
"""The thing checked fails."""
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
