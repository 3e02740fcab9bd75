"""Files of callers: CSV with a header or without, lists of NCID, vCards; and the CSV that is written."""

from __future__ import annotations

import csv
import io
import re
import shlex
from typing import TYPE_CHECKING

import msgspec

from ctportd import ListError, cells, reading

from .actions import problem_of
from .lists import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .lists import Side
    from .memory import Hits

ADDRESS_BOOKS = (".vcf", ".vcard")

COLUMNS = ("list", "match", "action", "name", "note", "by", "added", "expires", "hours")
"""Of the CSV that is written, and read back; two more follow them, for people: hits, last hit."""

_KNOWN_AS = {
    "match": ("match", "pattern", "number", "phone", "phone no", "phone number", "telephone", "tel", "nmbr"),
    "name": ("name", "caller name", "display name"),
    "note": ("note", "notes", "reason", "comment", "description"),
}
"""What other programs call these columns. The others are known by their own names only."""

_LONGEST = 64 * 1024 * 1024
"""Bytes of a file: a million callers (our figure)."""

_DIGIT = re.compile(r"[0-9]")


def read_file(path: Path, side: Side) -> list[tuple[str, Entry]]:
    """Read a file of callers.

    Args:
        path: The file; its ending tells an address book.
        side: The list that is meant where the file does not say so.

    Returns:
        Each entry with where it stands: ``spam.csv line 12``.

    Raises:
        ListError: It cannot be read, or a line makes no sense.
    """
    try:
        text = reading.read_bounded(path, _LONGEST).decode("utf-8-sig")
    except OSError as error:
        raise ListError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ListError(f"{path}: cannot be read: it is no UTF-8") from error
    if path.suffix.casefold() in ADDRESS_BOOKS:
        return list(read_cards(text, path.name, side))
    return list(read_text(text, path.name, side))


def read_side(path: Path, side: Side) -> list[tuple[str, Entry]]:
    """Read what a file has for one list: whoever writes a list of callers to block cannot have one let through.

    Raises:
        ListError: As for :func:`read_file`.
    """
    return [(where, entry) for where, entry in read_file(path, side) if entry.list == side]


def read_text(text: str, source: str, side: Side) -> Iterator[tuple[str, Entry]]:
    """Read a CSV, or a list of NCID: one entry a line.

    Raises:
        ListError: A line makes no sense.
    """
    columns: dict[str, int] | None = None
    for line, written in _rows(text, source):
        row = [cells.text_of(cell.strip()) for cell in written]
        if columns is None:
            columns = _columns(row)
            if columns:
                continue
        where = f"{source} line {line}"
        try:
            told = {name: row[at] for name, at in columns.items() if at < len(row)}
            yield where, _entry(told or _guessed(row), side)
        except ValueError as error:
            raise ListError(f"{where}: {error}") from error


def write_text(entries: Iterable[Entry], hits: Mapping[str, Hits]) -> str:
    """Entries as CSV, which :func:`read_text` reads back."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([*COLUMNS, "hits", "last hit"])
    for entry in entries:
        plain = msgspec.to_builtins(entry)
        counted = hits.get(entry.key)
        told = [counted.count, counted.last.isoformat()] if counted else [0, ""]
        writer.writerow([*(cells.cell(plain.get(column) or "") for column in COLUMNS), *told])
    return written.getvalue()


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the line on which it begins."""
    lines = text.splitlines()
    if not any("," in line for line in lines if not line.lstrip().startswith("#")):
        yield from _plain_rows(lines, source)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if any(map(str.strip, row)) and not row[0].lstrip().startswith("#"):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ListError(f"{source} line {line}: is no CSV: {error}") from error


def _plain_rows(lines: Iterable[str], source: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file without commas, as NCID keeps its lists: what stands behind a hash is a note."""
    for line, text in enumerate(lines, 1):
        told, _, note = text.partition("#")
        try:
            matches = shlex.split(told) if told.count('"') % 2 == 0 and '"' in told else [told.strip()]
        except ValueError as error:
            raise ListError(f"{source} line {line}: {error}") from error
        for match in filter(None, matches):
            yield line, [match, "", note.strip().lstrip("=").strip()]


def _columns(header: list[str]) -> dict[str, int]:
    """Where each column is, if this is a header; else empty."""
    names = [" ".join(cell.casefold().replace("_", " ").split()) for cell in header]
    if not any(name in _KNOWN_AS["match"] for name in names):
        return {}
    known = {column: _KNOWN_AS.get(column, (column,)) for column in COLUMNS}
    return {
        column: next(at for at, name in enumerate(names) if name in called)
        for column, called in known.items()
        if any(name in called for name in names)
    }


def _guessed(row: list[str]) -> dict[str, str]:
    """A row of a file without a header: the number, the name and a note, or the name before the number."""
    match, name, note, *_ = [*row, "", ""]
    if name and _DIGIT.search(name) and not _DIGIT.search(match):
        match, name = name, match
    if match.startswith("^"):
        match = f"/{match}/"  # NCID's way to write what a number begins with
    elif not _DIGIT.search(match) and not match.casefold().startswith("name:"):
        match = f"name:{match}"
    return {"match": match, "name": name, "note": note}


def _entry(told: dict[str, str], side: Side) -> Entry:
    """An entry of the texts of its columns; raises ValueError where one makes no sense."""
    given = {column: text for column, text in told.items() if text}
    if "match" not in given:
        raise ValueError("there is no number, and nothing else to match")
    if problem := problem_of(given.get("action", "")):
        raise ValueError(f"action: {problem}")
    try:
        return msgspec.convert({"list": side} | given, Entry)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def read_cards(text: str, source: str, side: Side) -> Iterator[tuple[str, Entry]]:
    """Read the numbers of an address book, each with its owner's name.

    Raises:
        ListError: It is none.
    """
    import vobject  # noqa: PLC0415 - most installations have no address book

    try:
        for count, card in enumerate(vobject.readComponents(text), 1):
            names = card.contents.get("fn") or card.contents.get("org")
            name = _shown(names[0].value) if names else ""
            for number in card.contents.get("tel", ()):
                match = number.value.removeprefix("tel:")
                if _DIGIT.search(match):
                    yield f"{source} card {count}", Entry(match=match, list=side, name=name)
    except Exception as error:  # whatever the library raises for whatever a file holds
        raise ListError(f"{source}: is no address book: {error}") from error


def _shown(name: str | list[str]) -> str:
    """A name of a card in one line: an organisation's comes in parts."""
    return " ".join((name if isinstance(name, str) else " ".join(name)).split())
