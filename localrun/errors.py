"""What the local runner refuses, in words that say what to do."""


class LocalRunError(Exception):
    """The base of all errors that whoever starts a run can fix."""


class SetupError(LocalRunError):
    """Java, or a jar that Spark needs, is missing and could not be brought."""


class SparkServerError(LocalRunError):
    """The local Spark server did not start, or ended while it was needed."""


class NotebookError(LocalRunError):
    """A notebook cannot be run at all: it is missing, or not in Databricks source format."""
