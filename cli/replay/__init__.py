"""A backtest on this machine: asked for, resumed, run by several processes, told.

Read `request.py` first: what is asked for, and noted so that a second call goes on with the same. `source.py` reads the
events once, `store.py` keeps each run's state, `in_memory.py` and `over_delta.py` run what is left to do, `outcome.py`
and `report.py` say what came of it.
"""
