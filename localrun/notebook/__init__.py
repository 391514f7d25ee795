"""One notebook, run in a process of its own as the platform would.

Read `execution.py` first: how a notebook is run and its page left. `source.py` and `scan.py` read the Databricks source
format; `kernel.py` is what runs inside, with `dbutils.py`, `display.py`, `magics.py` and `child.py`; `client.py` talks
to it; `template.py` has imported ahead and forks it, `warm.py` asks for that; `task.py` is what both sides tell each
other, `html.py` makes the page.
"""
