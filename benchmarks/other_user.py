"""Another local user, a real one, tries what is open while a run, a notebook in Jupyter and the MLflow UI are.

    sudo python -m benchmarks.other_user HOME [--jupyter PROGRAM] [--without-run] [--param NAME=VALUE ...]

As root: HOME has models, a user is made by `useradd` and deleted at the end. Besides the UI a run of HOME is started,
by these parameters, and what listens is tried as soon as it does. With `--jupyter`, a program that has JupyterLab, the
line that `./propensity notebook` prints is run by it, and a kernel that keeps printing. The user tries to list, read
and rename what lies in HOME, to connect to every port and socket of all these processes, to speak HTTP and Spark
Connect there, to read along what a kernel prints, to move the alias of a model, and to read the environments and
command lines of the processes. Prints a line each; exit code 1 where any is let in, or an alias has moved.
"""

import argparse
import json
import os
import pwd
import re
import secrets
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient

ROOT = Path(__file__).parents[1]
PATIENCE = 300  # seconds until a run has opened its ports
JUPYTER_PORT = 18899
TRIES = r"""
import encodings.idna, grpc, http.client, json, os, signal, socket, sys, urllib.request
asked = json.load(sys.stdin)
def told(what, function):
    signal.alarm(20)
    try:
        print(json.dumps([what, True, repr(function())[:80]]), flush=True)
    except BaseException as error:
        print(json.dumps([what, False, f"{type(error).__name__}: {error}"[:120].replace("\n", " ")]), flush=True)
    finally:
        signal.alarm(0)
def late(*_):
    raise TimeoutError("no answer in 20 seconds")
signal.signal(signal.SIGALRM, late)
def http(port, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=10).read(60)
def unix(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect("\0" + path[1:] if path.startswith("@") else path)
def listen(port):
    import zmq
    with zmq.Context() as context, context.socket(zmq.SUB) as one:
        one.setsockopt(zmq.SUBSCRIBE, b"")
        one.setsockopt(zmq.LINGER, 0)
        one.connect(f"tcp://127.0.0.1:{port}")
        if one.poll(3000):
            return one.recv_multipart()[0]
        raise PermissionError("nothing was said in 3 seconds")
def spark(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask = channel.unary_unary("/spark.connect.SparkConnectService/Config")
        try:
            return ask(b"", timeout=5)
        except grpc.RpcError as error:
            if error.code().name in ("UNAUTHENTICATED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "PERMISSION_DENIED"):
                raise PermissionError(error.code().name)  # of no other it is sure that nobody was let in
            return error.code().name
told("a port where nobody listens", lambda: spark(1))  # all that a client needs is imported by then
told("nor says anything", lambda: listen(1))
os.setgroups([])
os.setgid(asked["gid"])
os.setuid(asked["uid"])
for path in asked["paths"]:
    told(f"read {path}", lambda: os.listdir(path) if asked["folders"][path] else open(path, "rb").read(9))
    told(f"write {path}", lambda: os.rename(path, path + ".moved"))
for pid in asked["pids"]:
    told(f"environment of process {pid}", lambda: open(f"/proc/{pid}/environ", "rb").read(9))
for path in asked["sockets"]:
    told(f"socket {path}", lambda: unix(path))
alias = json.dumps(asked["alias"]).encode()
for port in asked["ports"]:
    told(f"HTTP at {port}", lambda: http(port, asked["page"].get(str(port), "/")))
    told(f"what is said at {port}", lambda: listen(port))
    told(f"alias at {port}", lambda: http(port, "/api/2.0/mlflow/registered-models/alias", alias))
    told(f"Spark at {port}", lambda: spark(port))
words = []
for pid in asked["pids"]:
    if os.path.exists(f"/proc/{pid}/cmdline"):
        words.append(open(f"/proc/{pid}/cmdline", "rb").read().decode(errors="replace"))
told("token on a command line", lambda: [word for word in words if asked["token"] in word][0])
"""


def main() -> None:
    """Open all, let the user try, and say who was let in."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("home", type=Path)
    asked.add_argument("--jupyter", type=Path, help="the program jupyter of an environment with JupyterLab")
    asked.add_argument("--without-run", action="store_true")
    asked.add_argument("--param", action="append", default=[])
    given = asked.parse_args()
    if os.getuid() != 0:
        raise SystemExit("This makes a user, so it wants root.")
    home = given.home.resolve()
    before = _read_aliases(home)
    pairs = [word for pair in given.param for word in ("--param", pair)]
    with _made_user() as user, _open("ui", home) as ui:
        token = _read_token(ui.stdout)
        tried = set[str]()
        let_in = _try(user, home, [ui], token, tried)
        if given.jupyter:
            with _opened_notebook(home, given.jupyter) as jupyter:
                let_in += _try(user, home, [jupyter], token, tried)
        if not given.without_run:
            with _open("run", home, *pairs) as run:
                deadline = time.monotonic() + PATIENCE
                while run.poll() is None and time.monotonic() < deadline:
                    let_in += _try(user, home, [ui, run], token, tried)
                    time.sleep(2)
    moved = _read_aliases(home) != before
    print(f"{len(tried)} tries, {len(let_in)} let in; the aliases {'HAVE MOVED' if moved else 'are as they were'}")
    sys.exit(1 if let_in or moved else 0)


def _try(
    user: pwd.struct_passwd, home: Path, processes: list["subprocess.Popen[str]"], token: str, tried: set[str]
) -> list[str]:
    """What the user is let in to, of all that is open now and was not tried before."""
    alive = [psutil.Process(one.pid) for one in processes if one.poll() is None]
    family = [*alive, *(child for one in alive for child in one.children(recursive=True))]
    ports, sockets = set[int](), set[str]()
    for one in family:
        try:
            connections = one.net_connections("all")
        except psutil.NoSuchProcess:
            continue
        ports |= {at.laddr.port for at in connections if at.status == psutil.CONN_LISTEN and at.laddr}
        sockets |= {str(at.laddr) for at in connections if isinstance(at.laddr, str) and at.laddr}
    paths = [home, *(path for path in home.iterdir() if not path.name.startswith("."))]
    request: dict[str, Any] = {
        "paths": [str(path) for path in paths if f"read {path}" not in tried],
        "folders": {str(path): path.is_dir() for path in paths},
        "pids": [one.pid for one in family if f"environment of process {one.pid}" not in tried],
        "sockets": sorted(path for path in sockets if f"socket {path}" not in tried),
        "ports": sorted(port for port in ports if f"HTTP at {port}" not in tried),
        "page": {str(JUPYTER_PORT): "/api/kernels"},  # its first page asks for the token
        "alias": {"name": next(iter(_read_aliases(home)), ("none",))[0], "alias": "champion", "version": "1"},
        "token": token, "uid": user.pw_uid, "gid": user.pw_gid,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-I", "-c", TRIES], input=json.dumps(request), capture_output=True, text=True, cwd="/",
        env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"The user could not try: {done.stderr[-400:]}")
    let_in = []
    for what, is_in, said in map(json.loads, done.stdout.splitlines()):
        if what not in tried or is_in:
            print(f"{'LET IN' if is_in else 'refused':8} {what}: {said}", flush=True)
        tried.add(what)
        let_in += [what] if is_in else []
    return let_in


def _read_aliases(home: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        return database.execute("SELECT name, alias, version FROM registered_model_aliases ORDER BY name").fetchall()


def _read_token(said: IO[str] | None) -> str:
    for line in said or ():
        if found := re.search(r"\?token=(\S+)", line):
            return found[1]
    raise SystemExit("The UI did not start.")


@contextmanager
def _open(command: str, home: Path, *options: str) -> "Iterator[subprocess.Popen[str]]":
    """A command of ours while it is under way."""
    words = [sys.executable, "-P", "-m", "cli", command, "--home", str(home), *options]
    said = subprocess.PIPE if command == "ui" else subprocess.DEVNULL  # a run says more than a pipe holds
    with subprocess.Popen(words, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, text=True) as opened:
        try:
            yield opened
        finally:
            opened.terminate()
            opened.wait()


@contextmanager
def _opened_notebook(home: Path, jupyter: Path) -> "Iterator[subprocess.Popen[str]]":
    """A copy of the workbench in JupyterLab, by the line that is printed, and a kernel that keeps printing."""
    words = [sys.executable, "-P", "-m", "cli", "notebook", "workbench", "--home", str(home)]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [line] = [line for line in said.splitlines() if line.startswith("Jupyter: ")]
    secret = secrets.token_hex(16)
    more = ["--no-browser", "--allow-root", f"--ServerApp.port={JUPYTER_PORT}", f"--IdentityProvider.token={secret}"]
    kernels = str(Path(sys.prefix, "share", "jupyter"))
    with tempfile.TemporaryDirectory(prefix="jupyter-") as runtime:
        places = {"JUPYTER_PATH": kernels, "JUPYTER_RUNTIME_DIR": runtime}
        command = [str(jupyter), *shlex.split(line)[2:], *more]
        nothing = subprocess.DEVNULL
        with subprocess.Popen(command, env=os.environ | places, stdout=nothing, stderr=nothing, text=True) as opened:
            try:
                _start_kernel(secret)
                [file] = Path(runtime).glob("kernel-*.json")
                client = BlockingKernelClient()
                client.load_connection_file(str(file))
                client.start_channels()
                client.wait_for_ready(timeout=60)
                client.execute("import time\nwhile True:\n    print('said')\n    time.sleep(0.2)")
                yield opened
                client.stop_channels()
            finally:
                opened.terminate()


def _start_kernel(secret: str) -> None:
    place = f"http://127.0.0.1:{JUPYTER_PORT}/api/kernels"
    asked = urllib.request.Request(place, b'{"name": "propensity"}', {"Authorization": f"token {secret}"})
    for patience in range(60, -1, -1):
        try:
            urllib.request.urlopen(asked, timeout=60).close()
            return
        except urllib.error.URLError:
            if not patience:
                raise
            time.sleep(1)


@contextmanager
def _made_user() -> Iterator[pwd.struct_passwd]:
    name = f"other{secrets.token_hex(3)}"
    subprocess.run(["useradd", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run(["userdel", name], check=True)


if __name__ == "__main__":
    main()
