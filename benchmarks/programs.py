"""What a process of a run is."""

import psutil


def is_worker(process: psutil.Process) -> bool:
    """Whether it is one of Spark's Python processes, which no driver is."""
    return process.name().startswith("python") and "pyspark" in " ".join(process.cmdline())
