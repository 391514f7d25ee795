"""`test`: all that `check` does, with every test: those that start Spark, kernels and whole jobs too."""

import argparse

from cli.commands.check import run_steps


def main(arguments: argparse.Namespace) -> int:
    """Run all of it even if an early step fails; 0 only if none does."""
    return run_steps(["-n", "3", *arguments.rest])  # two would leave a third of two cores idle: they wait for Spark
