"""Makes `.venv` and `node_modules` from the pinned requirements: `python3 infra/local_cloud/environment.py`.

The first code that runs on a fresh machine, so it uses the standard library only. Where nothing changed since
the last time it does nothing.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
MODULES = ROOT / "node_modules"
LOG = ROOT / ".local" / "setup.log"
NODE_MIN = 20


class SetupError(Exception):
    """This machine lacks something. Its text is one line that says what to do."""


def main() -> int:
    """0 when both are ready, 1 with one line on stderr when not."""
    try:
        check_python()
        node, npm = check_node()
        install_python_packages()
        install_cdk_cli(npm, node)
    except SetupError as error:
        sys.stderr.write(f"laurel: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("laurel: interrupted; the same command goes on from here\n")
        return 130
    return 0


def check_python() -> None:
    """Raise SetupError where this interpreter can't make environments. (The Makefile has looked at its version.)"""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f"{sys.executable} can't make environments: install its venv module "
            f"(on Debian: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv)"
        ) from error


def check_node() -> tuple[str, str]:
    """Where node and npm are. Raises SetupError where one is missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise SetupError(f"Node.js is not installed: install version {NODE_MIN} or newer, with npm")
    said = subprocess.run([node, "--version"], stdout=subprocess.PIPE, check=False).stdout.decode().strip()
    found = re.match(r"v(\d+)\.", said)
    if found is None or int(found.group(1)) < NODE_MIN:
        raise SetupError(f"Node.js {NODE_MIN} or newer is needed and {node} is {said or 'broken'}: install a newer one")
    if npm is None:
        raise SetupError("npm is not installed: it comes with Node.js (on Debian: apt install npm)")
    return node, npm


def install_python_packages() -> None:
    """Bring `.venv` to what requirements-dev.txt pins. Its hashes are checked; nothing is resolved anew."""
    requirements = ROOT / "requirements-dev.txt"
    wanted = digest([requirements], sys.version)
    stamp = ENVIRONMENT / "laurel-requirements.sha256"
    if read(stamp) == wanted:
        return
    python = ENVIRONMENT / "bin" / "python"
    if not is_of_this_version(python):
        run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], "making the environment .venv")
    run(
        # The file is a full closure, so pip must not look for more (--no-deps).
        [
            *[str(python), "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", str(requirements)],
            *["--disable-pip-version-check", "--no-input", "--progress-bar", "off"],
        ],
        "installing Python packages into .venv (one to three minutes)",
    )
    stamp.write_text(wanted)


def install_cdk_cli(npm: str, node: str) -> None:
    """Bring `node_modules` to what package-lock.json pins: the CDK command line."""
    wanted = digest([ROOT / "package.json", ROOT / "package-lock.json"], node)
    stamp = MODULES / ".laurel-lock.sha256"
    if read(stamp) == wanted:
        return
    run([npm, "ci", "--no-audit", "--no-fund"], "installing the CDK command line into node_modules")
    stamp.write_text(wanted)


def is_of_this_version(python: Path) -> bool:
    """Whether the environment's interpreter works and is of this very version."""
    if not python.exists():
        return False
    try:
        said = subprocess.run(
            [str(python), "-c", "import pip, sys; print(sys.version)"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return said.stdout.decode().strip() == sys.version.strip()


def run(command: list[str], doing: str) -> None:
    """Run one step, its output into the log. Raises SetupError with the tool's own words when it fails."""
    LOG.parent.mkdir(exist_ok=True)
    sys.stdout.write(doing + " ... ")
    sys.stdout.flush()
    began = time.time()
    with LOG.open("w") as log:
        done = subprocess.run(
            command,
            cwd=str(ROOT),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        sys.stdout.write("failed\n")
        raise SetupError(
            f"{doing} failed: {reason(LOG.read_text(errors='replace'))} (all of it: {os.path.relpath(LOG)}); "
            "put it right and run the same command again"
        )
    sys.stdout.write(f"{time.time() - began:.0f} s\n")


def reason(said: str) -> str:
    """The line of a failed tool's output that says why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)(npm )?err(or)?[:! ]", line)]
    return (errors or lines or ["it said nothing"])[0 if errors else -1]


def digest(files: list[Path], text: str) -> str:
    """A hash of the files' contents and of the text."""
    total = hashlib.sha256(text.encode())
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def read(stamp: Path) -> str | None:
    """What an earlier run noted."""
    return stamp.read_text() if stamp.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
