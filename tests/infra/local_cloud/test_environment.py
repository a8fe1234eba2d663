"""A machine that lacks something is told what, in one line, before anything is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local_cloud import environment
from infra.local_cloud.environment import SetupError
from infra.local_cloud.state import REPOSITORY


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _put(folder: Path, name: str, says: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\necho {says}\n")
    tool.chmod(0o755)


def test_a_python_without_the_venv_module_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SetupError, match="can't make environments: install its venv module"):
        environment.check_python()


def test_this_very_python_will_do() -> None:
    environment.check_python()


@pytest.mark.usefixtures("tools")
def test_a_machine_without_node_is_refused() -> None:
    with pytest.raises(SetupError, match=r"Node\.js is not installed: install version 20 or newer"):
        environment.check_node()


def test_a_node_that_is_too_old_is_refused(tools: Path) -> None:
    _put(tools, "node", "v18.20.4")
    with pytest.raises(SetupError, match=r"Node\.js 20 or newer is needed and .* is v18\.20\.4"):
        environment.check_node()


def test_a_node_without_npm_is_refused(tools: Path) -> None:
    _put(tools, "node", "v22.3.0")
    with pytest.raises(SetupError, match="npm is not installed"):
        environment.check_node()


def test_a_node_with_npm_will_do(tools: Path) -> None:
    _put(tools, "node", "v20.0.0")
    _put(tools, "npm", "10.0.0")
    assert environment.check_node() == (str(tools / "node"), str(tools / "npm"))


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    make = shutil.which("make", path=os.defpath)
    if make is None:
        pytest.skip("make is not installed")
    # These tests are themselves run by make, which would tell the inner one that it is not the first.
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run([make, *arguments], cwd=REPOSITORY, env=outside, capture_output=True, text=True, check=False)


def _said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Its complaint, without make's own line about it."""
    return [line for line in done.stderr.splitlines() if not line.startswith("make")]


def test_make_tells_what_is_missing_in_one_line(tools: Path) -> None:
    (tools / "sh").symlink_to("/bin/sh")
    done = _make("setup", f"PYTHON={sys.executable}")
    (line,) = _said(done)
    assert line.startswith("laurel: Node.js is not installed")
    assert (done.returncode, done.stdout) == (2, "")


# `false` answers every question with no, as a Python that is too old does.
@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_make_asks_for_a_python_that_is_new_enough(python: str) -> None:
    done = _make("setup", f"PYTHON={python}")
    (line,) = _said(done)
    assert line.startswith(f"laurel: {python} is missing or older than 3.11: install Python 3.11 or newer")
    assert (done.returncode, done.stdout) == (2, "")


def test_what_is_installed_is_not_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(environment, "LOG", tmp_path / "setup.log")
    (tmp_path / "node_modules").mkdir()
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    npm = tmp_path / "npm"
    _put(tmp_path, "npm", f"once >> {tmp_path / 'runs'}")
    environment.install_cdk_cli(str(npm), "node")
    environment.install_cdk_cli(str(npm), "node")
    assert (tmp_path / "runs").read_text() == "once\n"
    (tmp_path / "package-lock.json").write_text('{"changed": true}')
    environment.install_cdk_cli(str(npm), "node")
    assert (tmp_path / "runs").read_text() == "once\nonce\n"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "Collecting a\nERROR: No matching distribution found for a\n\n[notice] upgrade",
            "ERROR: No matching distribution found for a",
        ),
        ("npm error code EINTEGRITY\nnpm error sha512 differs", "npm error code EINTEGRITY"),
        ("it broke\n", "it broke"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_of_a_failed_tool_is_found_in_what_it_said(said: str, reason: str) -> None:
    assert environment.reason(said) == reason


def test_a_failed_step_is_one_line_and_names_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "LOG", tmp_path / "setup.log")
    with pytest.raises(SetupError) as failed:
        environment.run(["sh", "-c", "echo 'ERROR: no network' >&2; exit 1"], "installing")
    assert str(failed.value).startswith("installing failed: ERROR: no network (all of it: ")
    assert "\n" not in str(failed.value)
