"""`validate`: every finding on a line, and exit code 1 if there is any."""

import argparse

from cli.workspace import deployment
from localrun.bundle.bundle import load_bundle, target_names
from localrun.checks import job
from localrun.errors import LocalRunError


def main(arguments: argparse.Namespace) -> int:
    """Check the bundle as one target, or as each of them, would deploy it."""
    targets = [arguments.target] if arguments.target else target_names(arguments.bundle)
    findings: dict[str, None] = {}  # in order, and once each: most findings are the same for every target
    for target in targets:
        try:
            bundle = load_bundle(arguments.bundle, target)
            findings |= dict.fromkeys([*job.bundle_findings(bundle), *deployment.deployment_findings(bundle)])
        except LocalRunError as error:
            findings |= dict.fromkeys(str(error).splitlines())
    for line in findings:
        print(line)
    print(f"{len(findings)} finding{'' if len(findings) == 1 else 's'} (targets: {', '.join(targets)})")
    return 1 if findings else 0
