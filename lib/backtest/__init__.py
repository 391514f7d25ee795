"""Scheduled runs of the past, replayed under several policies of retraining.

Read `replay.py` first: one run under one policy, by the stages themselves, seeing only what was known on its day.
`hindsight.py` says what a rule that knew the future would have done; `ratios.py` compares what came of several
policies. What a backtest reads, keeps and prints is in `cli/replay`. Nothing here reads a file or the clock.
"""
