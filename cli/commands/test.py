"""`test`: ruff, mypy and pytest from this environment, pytest last because its closing line counts."""

import argparse
import subprocess
import sys

from cli.arguments import PROJECT


def main(arguments: argparse.Namespace) -> int:
    """Run all three even if an early one fails; 0 only if none does."""
    commands = [["ruff", "check"], ["mypy"], ["pytest", *arguments.rest]]
    codes = [
        subprocess.run([sys.executable, "-m", *command], cwd=PROJECT, check=False).returncode for command in commands
    ]
    return int(any(codes))
