"""Starts and stops MiniStack, the local AWS, as a process of its own.

The server inherits an open, locked file and holds the lock for as long as it lives, however it dies. So
"is it ours and alive?" needs no guess from a process list, and a stale process id is never signalled.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import httpx

from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.state import ACCOUNT, REGION, LocalFolder, Settings

HOST = "127.0.0.1"
DEFAULT_PORT = 4566
_START_SECONDS_MAX = 30
_STOP_SECONDS_MAX = 30
_POLL_SECONDS = 0.1
_MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder made there for us alone is used
_MEMORY_BYTES_MIN = 4 * 2**30

# Servers that this very process started: whoever starts one must collect it after it ended.
_children: list[subprocess.Popen[bytes]] = []


def endpoint(settings: Settings) -> str:
    """The address of the local AWS."""
    return f"http://{HOST}:{settings.port}"


def is_running(folder: LocalFolder) -> bool:
    """Whether the server that was started from this folder is alive."""
    try:
        with folder.lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def start(folder: LocalFolder, *, port: int | None = None) -> Settings:
    """Start the server, or find it running. Returns once it answers.

    `port` is what the caller insists on; without it the port of the last run, else 4566, else any free one.
    Raises LocalCloudError where that port is taken or the server does not come up.
    """
    known = folder.read_settings()
    if known and is_running(folder):
        if port not in (None, known.port):
            raise LocalCloudError(f"the local cloud already runs on port {known.port}: run `make down` first")
        return known
    settings = folder.remember_port(_choose_port(port, known))
    with folder.lock_file.open("w") as lock, folder.server_log.open("w") as log:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalCloudError("another `make up` is starting the local cloud: wait for it") from error
        process = _spawn(folder, settings, _new_scratch(folder), lock, log)
        _children.append(process)
    folder.pid_file.write_text(str(process.pid))
    _wait_until_it_answers(folder, settings, process)
    return settings


def stop(folder: LocalFolder) -> bool:
    """Stop the server that was started from this folder; False where none runs.

    It saves its state before it exits. Nothing else is ever signalled.
    """
    if not is_running(folder):
        folder.pid_file.unlink(missing_ok=True)
        _drop_scratch(folder)
        return False
    pid = int(folder.pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS_MAX
    while is_running(folder):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise LocalCloudError(
                f"the local cloud did not stop within {_STOP_SECONDS_MAX} s and was killed: what it held "
                "since its start is lost, run `make up` to build it again"
            )
        time.sleep(_POLL_SECONDS)
    for child in _children:
        child.poll()
    folder.pid_file.unlink(missing_ok=True)
    _drop_scratch(folder)
    return True


def _new_scratch(folder: LocalFolder) -> Path:
    """Where functions are unpacked: thousands of small files for each that runs, so in memory where there is plenty."""
    _drop_scratch(folder)
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES_MIN
    scratch = Path(tempfile.mkdtemp(prefix="laurel-", dir=_MEMORY if roomy else folder.path))
    folder.scratch_file.write_text(str(scratch))
    return scratch


def _drop_scratch(folder: LocalFolder) -> None:
    if folder.scratch_file.is_file():
        shutil.rmtree(folder.scratch_file.read_text(), ignore_errors=True)
        folder.scratch_file.unlink()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _choose_port(wanted: int | None, known: Settings | None) -> int:
    if wanted is not None:
        if not _is_free(wanted):
            raise LocalCloudError(
                f"port {wanted} is taken by another program: choose another, as in "
                f"`make up PORT={wanted + 1}`, or leave PORT out and a free one is found"
            )
        return wanted
    for port in (known.port if known else DEFAULT_PORT, DEFAULT_PORT):
        if _is_free(port):
            return port
    return free_port()


def _is_free(port: int) -> bool:
    """Nobody listens there. Also not on IPv6: the server reads its own signing keys from `localhost`."""
    for family, address in ((socket.AF_INET, HOST), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.settimeout(1)
                if probe.connect_ex((address, port)) == 0:
                    return False
        except OSError:  # this machine has no IPv6
            continue
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _spawn(folder: LocalFolder, settings: Settings, scratch: Path, lock: IO[str], log: IO[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        # A clean environment, because every function inherits it: no proxy, no profile, no key of the user's.
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONNOUSERSITE": "1",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(settings.port),
            "AUTH": "true",  # signatures and IAM policies count, also those of the functions' own roles
            "AWS_ACCESS_KEY_ID": settings.access_key,
            "AWS_SECRET_ACCESS_KEY": settings.secret_key,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder.data),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder.data / "s3"),
            # These two would listen on ports of their own.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        },
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=[lock.fileno()],
        start_new_session=True,  # Ctrl-C in the terminal is not meant for the server
    )


def _wait_until_it_answers(folder: LocalFolder, settings: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    with httpx.Client(base_url=endpoint(settings), trust_env=False, timeout=2) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get("/_ministack/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_POLL_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
    raise LocalCloudError(
        f"MiniStack did not start on port {settings.port}: see {folder.shown(folder.server_log)}, then run `make up` again"
    )
