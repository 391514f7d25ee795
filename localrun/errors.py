"""What the local runner refuses, in words that say what to do; and any error in words."""

_JVM = "\n\nJVM stacktrace:"


class LocalRunError(Exception):
    """The base of all errors that whoever starts a run can fix."""


class SetupError(LocalRunError):
    """Java, or a jar that Spark needs, is missing and could not be brought."""


class SparkServerError(LocalRunError):
    """The local Spark server did not start, or ended while it was needed."""


class NotebookError(LocalRunError):
    """A notebook cannot be run at all: it is missing, or not in Databricks source format."""


def format_error(error: BaseException) -> str:
    """`Name: message`, without what a Java stack adds to it."""
    message = strip_java(str(error)).strip()
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def strip_java(text: str) -> str:
    """A text up to where the stack of Spark's Java begins."""
    return text.partition(_JVM)[0]
