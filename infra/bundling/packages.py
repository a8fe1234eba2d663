"""The third-party half of every bundle: installed, trimmed and compiled once, then kept by its hash."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from infra.bundling.botocore_data import write_trimmed_data
from infra.bundling.errors import BundlingError
from infra.bundling.target import Target, uv

# Packages look up their own version at run time in METADATA; the rest of a dist-info is for installers.
KEPT_OF_DIST_INFO = frozenset({"METADATA"})
# Never imported by a function. (boto3's and botocore's `docs` stay: their clients import them.)
UNUSED_FOLDERS = ("bin", "boto3/data", "boto3/examples", "botocore/data")
UNUSED_NAMES = frozenset({"tests", "test", "testing", "__pycache__"})
# Stubs, sources of extensions, and the scripts of a documentation page that no route serves.
UNUSED_SUFFIXES = (".pyi", ".pxd", ".pyx", ".c", ".h", ".js", ".css")


def install_packages(requirements: Path, target: Target, destination: Path) -> None:
    """Install what `requirements` pins, by hash, into `destination`, ready for a zip's root.

    Raises BundlingError when uv refuses: no network, a hash that differs, no wheel for the platform.
    """
    command = [
        *[*uv(), "pip", "install", "--quiet", "--target", str(destination)],
        *["--requirement", str(requirements), "--require-hashes", "--no-deps"],
        # A source package would compile for this machine and fail on the other.
        *["--only-binary", ":all:"],
        # Links into uv's cache would change with whatever is done to them here.
        *["--link-mode", "copy"],
        *target.install_options(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BundlingError(
            f"uv could not install {requirements.name} for {target.name}:\n{done.stderr.strip()}\n"
            f"If a version is missing for {target.platform or 'this machine'}, pin another and lock again."
        )
    write_trimmed_data(destination / "botocore" / "data", destination / "botocore_data")
    trim(destination)
    compile_modules(destination, target)


def trim(root: Path) -> None:
    """Drop what no function imports. Changes `root` in place."""
    for folder in UNUSED_FOLDERS:
        shutil.rmtree(root / folder, ignore_errors=True)
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir() and path.name in UNUSED_NAMES:
            shutil.rmtree(path)
        elif path.is_file() and _is_unused(path):
            path.unlink()
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _is_unused(path: Path) -> bool:
    in_dist_info = any(parent.suffix == ".dist-info" for parent in path.parents)
    if in_dist_info:
        return path.name not in KEPT_OF_DIST_INFO
    return path.suffix in UNUSED_SUFFIXES or path.name in ("py.typed", ".lock")


def compile_modules(root: Path, target: Target) -> None:
    """Compile every module below `root` for the target, where an interpreter for it is at hand.

    The compiled modules are never checked against their sources (`unchecked-hash`), so the times in a zip
    don't matter. Raises BundlingError when a module does not compile.
    """
    if target.compiler is None:
        return
    done = subprocess.run(
        [
            *[target.compiler, "-I", "-m", "compileall", "-q", "-j", "0"],
            *["--invalidation-mode", "unchecked-hash"],
            # Paths in tracebacks are those on Lambda, and the same from every machine.
            *["-s", str(root), "-p", "/var/task", str(root)],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BundlingError(f"Not every module compiles for Python {target.python}:\n{done.stdout}{done.stderr}")
