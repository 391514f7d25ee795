"""From the user's events to numbers about each user's past at a cutoff.

Read `build.py` first: what a feature may see. Before it come `source.py` (events of a source brought to one shape),
`log.py` (one source or several) and `ingest.py` (which days are read again); `loads.py` refuses a log that has shrunk,
`weeks.py` and `likeness.py` one whose newest week is not as the weeks before it, `source_note.py` one that is another.
`windows.py` computes counts, sums and recencies over windows, `rhythm.py` how an action comes and goes. `vocabulary.py`
names event types and columns, `cache.py` says when stored features are still good, and `extraction.py` builds what is
missing.
"""
