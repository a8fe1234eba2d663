"""The benchmarks' section of a Markdown page: replaced as a whole by every run, the rest of the page untouched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table


def write_section(
    page: Path,
    name: str,
    title: str,
    text: str,
    tables: Sequence[Table],
    picture_name: str = "",
    picture: str = "",
    flags: Sequence[str] = (),
) -> None:
    """Put a section between two comments of the page, or at its end; the picture, if there is one, goes to `img` beside it.

    The comments are named after the benchmark, and after the `flags` it ran with: `retail-with-redemption`.
    """
    if picture_name:
        pictures = page.parent / "img"
        pictures.mkdir(parents=True, exist_ok=True)
        (pictures / picture_name).write_text(picture, encoding="utf-8")
    options = "".join(f" --{flag}" for flag in flags)
    command = f"Written by `python -m benchmarks.{name}{options} --report docs/{page.name}`."
    shown = f"![{title}](img/{picture_name})" if picture_name else ""
    parts = [f"## {title}", command, text, shown, *map(_markdown, tables)]
    section = "\n\n".join(part for part in parts if part)
    mark = "-".join((name, *flags))
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, after = page.read_text(encoding="utf-8") if page.exists() else "# Measured\n\n", ""
    if begin in before:
        before, rest = before.split(begin, 1)
        after = rest.split(end, 1)[1]
    page.write_text(f"{before.rstrip()}\n\n{begin}\n{section}\n{end}\n\n{after.lstrip()}".rstrip() + "\n", encoding="utf-8")


def _markdown(table: Table) -> str:
    columns = [[cell.strip() for cell in map(str, column.cells)] for column in table.columns]
    rows = [
        [str(column.header) for column in table.columns],
        ["---:" if column.justify == "right" else "---" for column in table.columns],
        *map(list, zip(*columns, strict=True)),
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"### {table.title}", "", *lines, *(["", f"({table.caption})"] if table.caption else [])])
