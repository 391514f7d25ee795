"""What a command refuses, in words that say what to do."""


class CliError(Exception):
    """A command cannot do what it was asked; the message says why and what to do."""
