"""`ui`: the MLflow UI on a home's models and searches."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time

from cli.errors import CliError
from cli.local.home import open_home

_PORT = 5000  # MLflow's own
_PATIENCE_SECONDS = 60


def main(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the address is printed once it answers, what the server says goes to a log."""
    home = open_home(arguments.home)
    if not home.database.exists():
        raise CliError(f"There are no models in {home.root} yet. Start with: ./propensity run")
    port = arguments.port or _free_port()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", home.tracking_uri]
    command += ["--default-artifact-root", str(home.artifacts), "--port", str(port), "--workers", "1"]
    # one reader on one machine needs no queue of background jobs, which is a dozen processes
    environment = os.environ | home.environment() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = home.root / "ui.log"
    print("starting the MLflow UI ...", flush=True)
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=home.root, env=environment, stdout=output, stderr=subprocess.STDOUT, process_group=0
        ) as server,
    ):
        try:
            if not _wait_until_up(port, server):
                raise CliError(f"The MLflow UI did not start on port {port}; its last words are in {log}.")
            print(f"MLflow UI: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
            return server.wait()
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)


def _free_port() -> int:
    """MLflow's usual port, or any free one if it is taken."""
    for port in (_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CliError("No port is free on this machine. Name one with --port.")


def _wait_until_up(port: int, server: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False
