"""The CDK command line that deploys: pinned, and locked without any download address."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lock_holds_hashes_and_no_download_address() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert packages
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
    assert "://" not in text


def test_the_lock_and_the_request_name_one_version() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]["node_modules/aws-cdk"]["version"]
    assert wanted == locked
    assert wanted[0].isdigit()
