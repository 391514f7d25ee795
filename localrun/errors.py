"""What the local runner refuses, in words that say what to do; and any error in words."""

import errno
import os

_JVM = "\n\nJVM stacktrace:"
_WAYS = {  # what a machine lacks, and the way out
    errno.ENOSPC: "The disk is full: make room, and call this again.",
    errno.EDQUOT: "Your share of the disk is used up: make room, and call this again.",
    errno.EROFS: "That file system is read-only: choose another place.",
    errno.EACCES: "You may not: choose a place that is yours, or ask its owner.",
    errno.EPERM: "You may not: choose a place that is yours, or ask its owner.",
    errno.ENAMETOOLONG: "That path is too long: choose a shorter one.",
    errno.ENOMEM: "Memory is used up: free some, and call this again.",
    errno.EMFILE: "Too many files are open: raise the limit (ulimit -n).",
}
_JAVA = {os.strerror(code): code for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE)} | {
    "OutOfMemoryError": errno.ENOMEM
}  # words by which Spark passes on what the system said


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


def format_machine_error(error: BaseException) -> str:
    """What the machine lacks, in one line with the way out; blank for any other error."""
    if isinstance(error, MemoryError):
        return _WAYS[errno.ENOMEM]
    if isinstance(error, OSError):
        way = _WAYS.get(error.errno or 0)
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}. {way}" if way else ""
    passed_on = str(error) if type(error).__module__.startswith(("pyspark", "grpc", "py4j")) else ""
    return next((f"{words}. {_WAYS[code]}" for words, code in _JAVA.items() if words in passed_on), "")


def strip_java(text: str) -> str:
    """A text up to where the stack of Spark's Java begins."""
    return text.partition(_JVM)[0]
