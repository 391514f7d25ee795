"""Errors in words, without what a Java stack adds to them."""

_JVM = "\n\nJVM stacktrace:"


def format_error(error: BaseException) -> str:
    """`Name: message`, without what a Java stack adds to it."""
    message = strip_java(str(error)).strip()
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def strip_java(text: str) -> str:
    """A text up to where the stack of Spark's Java begins."""
    return text.partition(_JVM)[0]
