"""Zips that are the same, byte for byte, from the same files: an unchanged function is not deployed again."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

# The earliest time a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o644 << 16


def write_zip(source: Path, archive: Path, *, base: Path | None = None) -> None:
    """Zip the files below `source`, after those of the zip `base` if there is one."""
    if base:
        shutil.copyfile(base, archive)
    with zipfile.ZipFile(archive, "a" if base else "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(source).as_posix(), EPOCH)
                entry.external_attr = READABLE
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, path.read_bytes())
