"""DynamoDB Local, AWS's own engine, for conformance tests; only where someone has set it up on purpose.

Its licence (LICENSE.txt beside the jar) binds whoever installs or uses it, allows internal use only, forbids
passing it on, and says "You may not use the Software if you do not have an AWS account in good standing". So
nothing in this repository fetches or starts it by itself. To run these tests, read the licence and, if you
agree and have the account, unpack the engine (AWS's download, or the npm package amplify-dynamodb-simulator,
folder `emulator`), put Java 17 on the path, and set LAUREL_DYNAMODB_LOCAL to the folder of DynamoDBLocal.jar.

It has no option for the address it binds: it listens on every interface while the tests run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.engines.engine import Engine, create_table, fresh_name, plain_client

FOLDER_VARIABLE = "LAUREL_DYNAMODB_LOCAL"
_START_SECONDS_MAX = 30


class DynamoDBLocalError(Exception):
    """DynamoDB Local did not start; the message carries what it said."""


def reason_to_skip(environment: Mapping[str, str] = os.environ) -> str | None:
    """Why DynamoDB Local cannot run here, in one line that says what to do; None where it can."""
    folder = environment.get(FOLDER_VARIABLE)
    if not folder:
        return (
            f"DynamoDB Local is not set up: if you accept its licence, which asks for an AWS account, set "
            f"{FOLDER_VARIABLE} to the folder of DynamoDBLocal.jar (tests/engines/dynamodb_local.py says how)"
        )
    if not (Path(folder) / "DynamoDBLocal.jar").is_file():
        return f"{FOLDER_VARIABLE} names a folder without DynamoDBLocal.jar: set it to the one that holds the jar"
    if shutil.which("java", path=environment.get("PATH")) is None:
        return "DynamoDB Local needs Java 17: put java on the path"
    return None


@contextmanager
def dynamodb_local_server(folder: Path) -> Iterator[str]:
    """Start the engine in memory on a free port; gives its address, e.g. `http://127.0.0.1:40123`, and stops it.

    Raises DynamoDBLocalError where it does not answer within 30 seconds.
    """
    port = _free_port()
    command = ["java", f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}", "-jar", "DynamoDBLocal.jar"]
    options = ["-inMemory", "-disableTelemetry", "-port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen([*command, *options], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _answers(server, port):
                log.seek(0)
                raise DynamoDBLocalError(f"DynamoDB Local did not start; it said: {log.read()[-2000:].strip()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextmanager
def dynamodb_local_table(address: str) -> Iterator[Engine]:
    """An empty table on a running DynamoDB Local, dropped at the end."""
    # The engine takes letters and digits only as an access key, and keeps a database for each of them.
    client, name = plain_client(endpoint_url=address, access_key="laurel"), fresh_name()
    create_table(client, name)
    try:
        yield Engine("dynamodb-local", client, name)
    finally:
        client.delete_table(TableName=name)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the port opens before the process ends or the time is up."""
    deadline = time.monotonic() + _START_SECONDS_MAX
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.1)
    return False
