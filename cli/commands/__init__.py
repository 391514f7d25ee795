"""The commands of `./propensity`, one module each, named after the command.

Each has `main(arguments)` and returns the exit code. Read `run.py` first. What can be asked on the command line stands
in `cli/arguments.py`; what a command needs of this machine is in `cli/local`, of a backtest in `cli/replay`, of a
Databricks workspace in `cli/workspace`.
"""
