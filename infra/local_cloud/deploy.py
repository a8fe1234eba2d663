"""Deploys the stacks to the local cloud with the real CDK command line, and only when the sources changed."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.local_cloud.cloud import Cloud
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.state import ACCOUNT, REGION, REPOSITORY, LocalFolder

# Everything that a synthesized template or a bundle can depend on.
_SOURCES = ("functions", "shared", "infra", "cdk.json", "requirements.txt", "package-lock.json")
_NOT_SOURCES = (Path("infra/local_cloud"), Path("infra/programs"))
_CLI = REPOSITORY / "node_modules" / "aws-cdk" / "bin" / "cdk"

# `Laurel-local-data | 3/7 | 8:05:15 PM | CREATE_COMPLETE | AWS::DynamoDB::Table | ...`
_EVENT = re.compile(r"^(?P<stack>\S+) \| +(?P<done>\d+)/(?P<all>\d+) \|")
_REASONS = (
    re.compile(r"\b(?:CREATE|UPDATE|DELETE)_FAILED\s*\|\s*(?P<reason>.+)"),
    re.compile(r"^laurel: (?P<reason>.+)"),
    re.compile(r"^(?:\S*Error|❌.*?|‣ \w+): (?P<reason>.+)"),
)


def deploy(
    folder: LocalFolder, cloud: Cloud, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[dict[str, str], bool]:
    """Bring the stacks up to date with the sources: their outputs, and whether anything was deployed.

    `progress` is told what is going on, in a few words, many times. All that the CDK command line says is in
    the folder's `deploy.log`. Raises LocalCloudError with the reason when a step fails.
    """
    sources = source_digest()
    outputs = cloud.outputs()
    if outputs and cloud.recall("sources") == sources:
        return outputs, False
    folder.deploy_log.unlink(missing_ok=True)
    progress("building the functions")
    _cdk(folder, cloud, "synth", "--all", "--quiet", "--output", str(folder.assembly), "-c", "stage=local")
    assembly = ("--app", str(folder.assembly))
    progress("bootstrapping")
    _cdk(folder, cloud, "bootstrap", *assembly, f"aws://{ACCOUNT}/{REGION}")
    _cdk(
        folder, cloud, "deploy", *assembly, "--all", "--require-approval", "never", "--progress", "events",
        progress=progress,
    )  # fmt: skip
    outputs = cloud.outputs()
    if outputs is None:
        raise LocalCloudError(f"the service stack is not complete: see {folder.shown(folder.deploy_log)}")
    cloud.remember("sources", sources)
    return outputs, True


def source_digest() -> str:
    """A hash of all files that decide what is deployed, and of the interpreter that runs it."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(_source_files()):
        digest.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        top = REPOSITORY / name
        for path in [top] if top.is_file() else top.rglob("*"):
            relative = path.relative_to(REPOSITORY)
            if path.is_file() and "__pycache__" not in relative.parts and not _is_beside_the_stacks(relative):
                yield path


def _is_beside_the_stacks(relative: Path) -> bool:
    return any(relative.is_relative_to(folder) for folder in _NOT_SOURCES)


def _cdk(folder: LocalFolder, cloud: Cloud, *arguments: str, progress: Callable[[str], None] = lambda _: None) -> None:
    """Run one CDK command, its output into the log; raise its reason as one line if it fails."""
    node = shutil.which("node")
    if node is None or not _CLI.is_file():
        raise LocalCloudError("the CDK command line is not installed: run `make up`, which installs it")
    here = Path(sys.executable).parent  # `python` in cdk.json is the interpreter that runs this
    environment = cloud.environment() | {"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    said: list[str] = []
    with folder.deploy_log.open("a", encoding="utf-8") as log:
        log.write(f"\n$ cdk {' '.join(arguments)}\n")
        log.flush()
        with subprocess.Popen(
            [node, str(_CLI), *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                log.write(line)
                said.append(line.rstrip())
                if event := _EVENT.match(line):
                    progress(f"deploying {event['stack']} ({event['done']} of {event['all']})")
    if process.returncode in (-signal.SIGINT, 128 + signal.SIGINT):
        raise KeyboardInterrupt  # Ctrl-C reached the tool first
    if process.returncode != 0:
        raise LocalCloudError(
            f"cdk {arguments[0]} failed: {_reason(said)} (all of it: {folder.shown(folder.deploy_log)}); "
            "put it right and run `make up` again"
        )


def _reason(said: list[str]) -> str:
    """The line of a failed run that says why, without colours."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in said]
    for pattern in _REASONS:
        for line in lines:
            if found := pattern.search(line):
                return found["reason"].split(" | ")[-1].strip()
    return next((line for line in reversed(lines) if line), "it said nothing")
