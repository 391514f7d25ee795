"""How our functions reach Spark's workers."""


def pickle_lib_by_value() -> None:
    """Send our functions to the executors whole: they need no copy of `lib` there."""
    from pyspark import cloudpickle

    import lib

    cloudpickle.register_pickle_by_value(lib)  # type: ignore[no-untyped-call]
