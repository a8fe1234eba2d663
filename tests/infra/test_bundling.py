"""What is in a function's zip, and that it runs with nothing but its zip."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from infra.bundling import Bundler, BundlingError, Target
from infra.bundling.botocore_data import write_trimmed_data
from infra.permissions import functions_of
from infra.stages import STAGES

pytestmark = pytest.mark.infra

ROOT = Path(__file__).parents[2]
FUNCTION = "earning"
CALLED = ("dynamodb", "dynamodbstreams", "events", "scheduler", "sesv2", "sqs", "stepfunctions")
CACHED_TAG = sys.implementation.cache_tag
# The second field of a compiled module: hash-based (1), and not to be checked against its source (not 2).
UNCHECKED_HASH = 1


def check_out(destination: Path) -> Path:
    """A copy of what bundles are made of: it stays as it is while someone edits the original."""
    for folder in ("functions", "shared"):
        shutil.copytree(ROOT / folder, destination / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "requirements.txt", destination / "requirements.txt")
    return destination


@pytest.fixture(scope="module")
def bundler(tmp_path_factory: pytest.TempPathFactory) -> Bundler:
    root = check_out(tmp_path_factory.mktemp("checkout"))
    return Bundler(Target.this_machine(), root=root, cache=tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def archive(bundler: Bundler) -> Path:
    return bundler.build(FUNCTION)


@pytest.fixture(scope="module")
def names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as packed:
        return packed.namelist()


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(task)
    return task


def below(top: str, names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(f"{top}/") and "__pycache__" not in name}


def sources(root: Path, top: str) -> set[str]:
    return {str(path.relative_to(root)) for path in (root / top).rglob("*") if path.is_file()}


def test_a_bundle_holds_its_own_function_and_no_other(bundler: Bundler, names: list[str]) -> None:
    own = sources(bundler.root, f"functions/{FUNCTION}")
    assert below("functions", names) == own | {"functions/__init__.py"}


def test_a_bundle_holds_all_of_shared_but_the_auditors_tools(bundler: Bundler, names: list[str]) -> None:
    everything = sources(bundler.root, "shared")
    tools = {name for name in everything if name.startswith("shared/audit/")}
    assert tools
    assert below("shared", names) == everything - tools


def test_no_project_file_besides_functions_and_shared_is_in_a_bundle(names: list[str]) -> None:
    assert not {"tests", "infra", "benchmarks", "docs"} & {name.split("/")[0] for name in names}
    assert "requirements.txt" not in names


def test_every_module_is_compiled_and_its_source_is_never_looked_at(unpacked: Path) -> None:
    modules = list(unpacked.rglob("*.py"))
    assert len(modules) > 100
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.{CACHED_TAG}.pyc"
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH


def test_of_botocores_data_only_what_the_services_used_need_is_there(names: list[str]) -> None:
    shared = {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
    parts = {"endpoint-rule-set-1.json", "paginators-1.json", "service-2.json"}
    found = {tuple(name.split("/")[1:]) for name in below("botocore_data", names)}
    assert {path[0] for path in found if len(path) == 1} == shared
    by_service = {service: {path[2] for path in found if path[0] == service} for service, *rest in found if rest}
    assert by_service == dict.fromkeys(CALLED, parts)
    # One version of each: the latest.
    assert len({path[:2] for path in found if len(path) > 1}) == len(CALLED)
    assert below("botocore/data", names) == below("boto3/data", names) == set()


def test_a_bundle_holds_no_tests_no_scripts_and_no_installers_notes(names: list[str]) -> None:
    for name in names:
        folders = name.split("/")[:-1]
        assert not {"tests", "test", "bin"} & set(folders)
        if folders and folders[0].endswith(".dist-info"):
            assert name.endswith("/METADATA")


def test_a_bundle_stays_small(archive: Path) -> None:
    # Lambda takes 50 MB; a cold start reads what is there.
    assert archive.stat().st_size < 15_000_000


def run(task: Path, code: str, **environment: str) -> str:
    """Run code with only the bundle and the standard library to import from, as Lambda does."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(task)!r})\n{code}"],
        capture_output=True,
        text=True,
        env={"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1", **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SETTINGS = {
    "LAUREL_TABLE": "ledger",
    "LAUREL_STAGE": "local",
    "LAUREL_SANDBOX": "true",
    "POWERTOOLS_SERVICE_NAME": "laurel",
    "POWERTOOLS_METRICS_NAMESPACE": "Laurel",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


def test_the_handler_runs_from_the_bundle_alone(unpacked: Path) -> None:
    code = (
        "import importlib\n"
        f"print(callable(importlib.import_module('functions.{FUNCTION}.handler').handler))\n"
        f"print([m.__file__ for n, m in sys.modules.items() if n.split('.')[0] in ('shared', 'botocore', 'pydantic')\n"
        f"       and m.__file__ and not m.__file__.startswith({str(unpacked)!r})])"
    )
    assert run(unpacked, code, **SETTINGS).split("\n")[:2] == ["True", "[]"]


@pytest.mark.parametrize("function", functions_of(sandbox=True))
def test_every_handler_finds_all_it_imports(bundler: Bundler, unpacked: Path, tmp_path: Path, function: str) -> None:
    with zipfile.ZipFile(bundler.build(function)) as packed:
        packed.extractall(tmp_path, [name for name in packed.namelist() if name.startswith(("functions/", "shared/"))])
    # The packages are those of the first bundle: the same in every one.
    code = f"sys.path.append({str(unpacked)!r})\nfrom functions.{function}.handler import handler\nprint(handler.__module__)"
    assert run(tmp_path, code, **SETTINGS).strip() == f"functions.{function}.handler"


def test_a_client_made_from_the_trimmed_data_equals_one_made_from_all_of_it(tmp_path: Path) -> None:
    everything = Path(botocore.__file__).parent / "data"
    trimmed = tmp_path / "botocore_data"
    write_trimmed_data(everything, trimmed)
    ours, theirs = (session_from(data) for data in (trimmed, everything))
    for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"):
        for service in CALLED:
            made, whole = (session.create_client(service, region_name=region) for session in (ours, theirs))
            assert made.meta.endpoint_url == whole.meta.endpoint_url
            assert f".{region}.amazonaws.com" in made.meta.endpoint_url
            assert made.meta.service_model.operation_names == whole.meta.service_model.operation_names
            assert made.meta.service_model.shape_names == whole.meta.service_model.shape_names
    assert ours.create_client("dynamodb", region_name="us-east-1").get_paginator("query")
    assert sum(path.stat().st_size for path in (trimmed / "dynamodb").rglob("*.json")) < 150_000
    # A service is read when its client is made: what the others weigh costs a function nothing that does not call them.
    assert sum(path.stat().st_size for path in trimmed.rglob("*.json")) < 700_000


def session_from(data: Path) -> Any:
    session = botocore.session.Session()
    session.register_component("data_loader", Loader(extra_search_paths=[str(data)], include_default_search_paths=False))
    return session


@pytest.fixture
def elsewhere(bundler: Bundler, archive: Path, tmp_path: Path) -> Bundler:
    """The same sources in another place, with another cache: as on another machine."""
    root = tmp_path / "checkout"
    shutil.copytree(bundler.root, root)
    cache = tmp_path / "bundles"
    cache.mkdir()
    (packages,) = bundler.cache.glob("packages-*.zip")
    shutil.copyfile(packages, cache / packages.name)
    return replace(bundler, root=root, cache=cache)


def test_the_same_sources_make_the_same_zip_anywhere(elsewhere: Bundler, archive: Path) -> None:
    (elsewhere.root / "shared" / "__pycache__").mkdir()
    (elsewhere.root / "shared" / "__pycache__" / "left_over.pyc").write_bytes(b"")
    again = elsewhere.build(FUNCTION)
    assert again.name == archive.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(archive.read_bytes()).digest()


def test_a_changed_source_makes_another_zip_in_the_place_of_the_first(elsewhere: Bundler) -> None:
    first = elsewhere.build(FUNCTION)
    (elsewhere.root / "shared" / "added.py").write_text("ADDED = 1\n")
    second = elsewhere.build(FUNCTION)
    assert second.name != first.name
    assert sorted(path.name for path in elsewhere.cache.glob(f"{FUNCTION}-*")) == [second.name]
    with zipfile.ZipFile(second) as packed:
        assert f"shared/__pycache__/added.{CACHED_TAG}.pyc" in packed.namelist()


def test_an_unchanged_bundle_is_not_built_again(bundler: Bundler, archive: Path) -> None:
    before = archive.stat().st_mtime_ns
    assert bundler.build(FUNCTION) == archive
    assert archive.stat().st_mtime_ns == before


def test_a_function_that_is_not_there_is_named(bundler: Bundler) -> None:
    with pytest.raises(BundlingError, match=r"functions/nothing/handler\.py is missing"):
        bundler.build("nothing")


def test_a_source_that_does_not_compile_stops_the_build(elsewhere: Bundler) -> None:
    (elsewhere.root / "shared" / "broken.py").write_text("def broken(:\n")
    with pytest.raises(BundlingError, match=r"broken\.py"):
        elsewhere.build(FUNCTION)


def test_requirements_that_do_not_match_their_hashes_stop_the_build(elsewhere: Bundler) -> None:
    (elsewhere.root / "requirements.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BundlingError, match=r"could not install requirements\.txt for local"):
        elsewhere.build(FUNCTION)


def test_lambdas_bundle_holds_arm_wheels_for_its_python(tmp_path: Path) -> None:
    pinned = (ROOT / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    few = [line for line in pinned if line.startswith(("botocore==", "pydantic-core=="))]
    (tmp_path / "requirements.txt").write_text("\n".join(few))
    shutil.copytree(ROOT / "functions" / FUNCTION, tmp_path / "functions" / FUNCTION)
    built = Bundler(Target.aws(), root=tmp_path, cache=tmp_path / "bundles").build(FUNCTION)
    with zipfile.ZipFile(built) as packed:
        native = [name for name in packed.namelist() if name.endswith(".so")]
    assert native
    for name in native:
        assert "cpython-313-aarch64-linux-gnu" in name


def test_without_an_interpreter_to_compile_with_a_warning_says_what_it_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = replace(Target.aws(), compiler=None)
    monkeypatch.setattr(Target, "aws", lambda: bare)
    assert Bundler.for_stage(STAGES["prod"]).target.compiler is None
    (line,) = capsys.readouterr().err.splitlines()
    assert "Python 3.13" in line
    assert "twice as long" in line
    assert "LAUREL_PYTHON_3_13" in line
