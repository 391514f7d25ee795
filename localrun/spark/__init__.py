"""The local Spark: one Spark Connect server for all notebooks of a run.

Read `server.py` first: how it starts and ends. `session.py` opens sessions on it and tells it of the tables that are
there; `options.py` is what it is started with, `access.py` and `channel.py` let in only who has its token,
`patience.py` waits for a busy machine, and `java.py` finds Java and the jars. Nothing here knows of notebooks or jobs.
"""
