"""A glance at the database for a shell that waits for a word: SQLAlchemy takes longer to load than a person waits."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

_SQLITE = "sqlite+aiosqlite:///"

_PATIENCE = 0.1  # seconds to wait for another writer


def glance(url: str, query: str, most: int) -> list[str]:
    """The first column of a query, as text; nothing where the database is none of SQLite's, or not there yet.

    Args:
        url: The database's, as SQLAlchemy writes it.
        query: With one ``?``: how many rows are wanted.
        most: So many.
    """
    path = Path(unquote(url.removeprefix(_SQLITE)))
    if not url.startswith(_SQLITE) or not path.is_file():
        return []
    read_only = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(read_only, uri=True, timeout=_PATIENCE)) as connection:
            return [str(row[0]) for row in connection.execute(query, (most,))]
    except sqlite3.Error:
        return []  # a word that is not offered can be typed
