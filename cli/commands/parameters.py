"""`parameters`: write what the catalogue says into notebooks, YAML and docs, or say where they differ from it."""

import argparse

from cli.rendering import stale_files


def main(arguments: argparse.Namespace) -> int:
    """Write every file that differs; with `--check` only name it, and end with 1 if there is any."""
    stale = stale_files(arguments.bundle)
    for path, text in stale.items():
        name = path.relative_to(arguments.bundle)
        if arguments.check:
            print(f"{name} differs from lib/config. Run ./propensity parameters, or change lib/config.")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if not stale:
        print("notebooks, YAML and docs say what lib/config says")
    return int(arguments.check and bool(stale))
