"""From the sources to one zip per function, keeping what did not change."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from infra.bundling.archive import write_zip
from infra.bundling.errors import BundlingError
from infra.bundling.packages import compile_modules, install_packages
from infra.bundling.target import INTERPRETER_VARIABLE, Target
from infra.stages import Stage

ROOT = Path(__file__).resolve().parent.parent.parent
# Tools of the auditor's command line: no function needs them.
LEFT_OUT = frozenset({"shared/audit"})


@dataclass(frozen=True)
class Bundler:
    """Builds zips from the sources below `root` into `cache`, each under the hash of what went into it."""

    target: Target
    root: Path = ROOT
    cache: Path = ROOT / ".local" / "bundles"

    @classmethod
    def for_stage(cls, stage: Stage) -> Bundler:
        """The bundler of the stage's kind of machine. Says so when it can't compile for it."""
        target = Target.this_machine() if stage.local else Target.aws()
        if target.compiler is None:
            print(
                f"laurel: found no Python {target.python} to compile with, so cold starts will take twice as "
                f"long: install one, or name it in {INTERPRETER_VARIABLE}.",
                file=sys.stderr,
            )
        return cls(target)

    def code(self, name: str) -> lambda_.Code:
        """The function's zip as CDK takes it."""
        archive = self.build(name)
        return lambda_.Code.from_asset(str(archive), asset_hash=archive.stem, asset_hash_type=AssetHashType.CUSTOM)

    def build(self, name: str) -> Path:
        """The zip of one function, built if it is not there yet. Raises BundlingError."""
        folder = self.root / "functions" / name
        if not (folder / "handler.py").is_file():
            raise BundlingError(f"functions/{name}/handler.py is missing: write it, or take {name!r} out of the stacks.")
        packages = self._packages()
        key = _hash(packages.stem, name, *_contents(self._sources(name), self.root))

        def make(tree: Path) -> None:
            self._copy_sources(name, tree)
            compile_modules(tree, self.target)

        return self._kept(name, key, make, base=packages)

    def _packages(self) -> Path:
        """The zip of the third-party packages, built if it is not there yet."""
        requirements = self.root / "requirements.txt"
        bundling = Path(__file__).parent
        key = _hash(self.target.identity, *_contents([requirements, *sorted(bundling.glob("*.py"))], None))
        return self._kept("packages", key, lambda tree: install_packages(requirements, self.target, tree))

    def _kept(self, what: str, key: str, make: Callable[[Path], None], *, base: Path | None = None) -> Path:
        """The zip of that key, made if it is not there yet; it takes the place of those of earlier keys."""
        archive = self.cache / f"{what}-{self.target.name}-{key}.zip"
        if not archive.is_file():
            self.cache.mkdir(parents=True, exist_ok=True)
            earlier = list(self.cache.glob(f"{what}-{self.target.name}-*.zip"))
            with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
                tree, finished = Path(scratch) / "tree", Path(scratch) / "finished.zip"
                tree.mkdir()
                make(tree)
                write_zip(tree, finished, base=base)
                # In one step: a synth beside this one sees a whole zip or none.
                finished.replace(archive)
            for old in earlier:
                old.unlink(missing_ok=True)
        return archive

    def _sources(self, name: str) -> list[Path]:
        """The project's own files in the function's bundle."""
        tops = [self.root / "functions" / "__init__.py", self.root / "functions" / name, self.root / "shared"]
        return sorted(path for top in tops for path in _files(top) if not self._is_left_out(path))

    def _is_left_out(self, path: Path) -> bool:
        relative = path.relative_to(self.root)
        parts = relative.parts
        return (
            any(relative.is_relative_to(folder) for folder in LEFT_OUT)
            or any(part in ("__pycache__", "tests") or part.startswith(".") for part in parts)
            or relative.suffix == ".pyc"
        )

    def _copy_sources(self, name: str, tree: Path) -> None:
        for path in self._sources(name):
            copy = tree / path.relative_to(self.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _files(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    elif top.is_dir():
        yield from (path for path in top.rglob("*") if path.is_file())


def _contents(paths: list[Path], root: Path | None) -> Iterator[str]:
    for path in paths:
        yield str(path.relative_to(root)) if root else path.name
        yield hashlib.sha256(path.read_bytes()).hexdigest()


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
