"""A backtest on this machine: asked for, resumed, run by several processes, told.

Read `request.py` first: what is asked for, and noted so that a second call goes on with the same. `source.py` reads the
events once, `store.py` keeps what each run came to in files of `files.py`. `in_memory.py` (with `processes.py` and
`challengers.py`) or `over_delta.py` run what is left to do, and `progress.py` tells of it; `outcome.py` judges it, and
`report.py` shows it.
"""
