"""`ui`: the MLflow UI on a home's models and searches, for who has its token."""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

from cli.errors import CliError
from cli.local.home import open_home
from cli.local.ui_guard import TOKEN
from cli.options import PROJECT

_PORT = 5000  # MLflow's own
_PATIENCE_SECONDS = 60


def main(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the address is printed once it answers, what the server says goes to a log."""
    home = open_home(arguments.home)
    if not home.database.exists():
        raise CliError(f"There are no models in {home.root} yet. Start with: ./propensity run")
    token = secrets.token_urlsafe(24)
    # one reader on one machine needs no queue of background jobs, which is a dozen processes
    ours = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", TOKEN: token, "PYTHONPATH": str(PROJECT)}
    log = home.root / "ui.log"
    print("starting the MLflow UI ...", flush=True)
    with _bind(arguments.port) as bound, log.open("wb") as output:
        port, handle = bound.getsockname()[1], bound.fileno()
        command = [
            sys.executable,
            "-P",
            "-m",
            "cli.local.ui_guard",
            str(handle),
            home.tracking_uri,
            str(home.artifacts),
        ]
        with subprocess.Popen(
            command, cwd=home.root, env=os.environ | home.environment() | ours, stdout=output,
            stderr=subprocess.STDOUT, process_group=0, pass_fds=(handle,),
        ) as server:  # fmt: skip
            try:
                if not _wait_until_up(port, server):
                    raise CliError(f"The MLflow UI did not start on port {port}; its last words are in {log}.")
                print(f"MLflow UI: http://127.0.0.1:{port}/?token={token} (Ctrl-C ends it)", flush=True)
                return server.wait()
            finally:
                if server.poll() is None:
                    os.killpg(server.pid, signal.SIGTERM)


def _bind(wanted: int | None) -> socket.socket:
    """The port that was asked for; else MLflow's usual one, or any that is free. Nobody else gets it in between."""
    for port in [wanted] if wanted else [_PORT, 0]:
        bound = socket.socket()
        try:
            bound.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            bound.close()
            if wanted:
                raise CliError(f"Port {wanted} cannot be listened on: {error}. Name another with --port.") from error
            continue
        return bound
    raise CliError("No port is free on this machine. Name one with --port.")


def _wait_until_up(port: int, server: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False
