"""What a bundle is built for: a platform for its wheels and an interpreter for its compiled modules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORM = "aarch64-manylinux2014"
# Names an interpreter that is installed where nobody would look for it.
INTERPRETER_VARIABLE = "LAUREL_PYTHON_3_13"


@dataclass(frozen=True)
class Target:
    """`platform` and `python` choose the wheels; `compiler` is an interpreter to compile with, or None."""

    name: str
    python: str
    platform: str | None
    compiler: str | None

    @classmethod
    def aws(cls) -> Target:
        """Lambda's arm64 Python. Wheels are fetched for it; compiling needs a Python of that version here."""
        return cls("aws", LAMBDA_PYTHON, LAMBDA_PLATFORM, find_interpreter(LAMBDA_PYTHON))

    @classmethod
    def this_machine(cls) -> Target:
        """This interpreter on this machine, in which the local cloud runs its functions."""
        return cls("local", f"{sys.version_info.major}.{sys.version_info.minor}", None, sys.executable)

    @property
    def identity(self) -> str:
        """What of the target shows in a bundle: the same on every machine that builds the same."""
        return f"{self.name} {self.python} {self.platform} {'compiled' if self.compiler else 'sources only'}"

    def install_options(self) -> list[str]:
        """The options of `uv pip install` that choose the wheels."""
        if self.platform is None:
            return ["--python", sys.executable]
        # Not `--python`, which would go and download an interpreter.
        return ["--python-platform", self.platform, "--python-version", self.python]


@cache
def find_interpreter(version: str) -> str | None:
    """The path of an installed Python of that version, or None. Nothing is downloaded."""
    for candidate in _candidates(version):
        if _runs(candidate, version):
            return candidate
    return None


def _candidates(version: str) -> Iterator[str]:
    if named := os.environ.get(INTERPRETER_VARIABLE):
        yield named
    yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    # Under pyenv a name on the path is a stand-in that refuses to run until a version is chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python{version}"), reverse=True))
    yield from _known_to_uv(version)


def _known_to_uv(version: str) -> Iterator[str]:
    found = subprocess.run(
        [*uv(), "python", "find", "--no-python-downloads", "--no-project", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0:
        yield found.stdout.strip()


def _runs(interpreter: str, version: str) -> bool:
    try:
        said = subprocess.run(
            [interpreter, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and said.stdout.strip() == version


def uv() -> list[str]:
    """The command of the uv that is installed with this project."""
    return [sys.executable, "-m", "uv"]
