"""The user's events as they lie somewhere: which files there are, how each is written, and Spark frames of them.

Read `opening.py` first: `open_source` gives the `Part`s of a source, each a frame whose rows were all written alike.
`files.py` lists files on the engine and tells formats; `options.py` is what a person may say about text files.
`csv_files.py`, `json_files.py`, `parquet_files.py` read one format each. `headers.py` looks for what a line of names
says, `lines.py` looks over all lines of text files first, `quoting.py` is RFC 4180 as patterns and as a walk.
What is in the columns is not asked here: that is `lib/features/source.py`.
"""
