"""Answers that are no JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec


class FileAnswer(msgspec.Struct, frozen=True):
    """A file: it is sent as it is, whole or the ranges that were asked for.

    Attributes:
        path: Where it is.
        name: What it is to be called where it is saved.
        content_type: What it is, such as ``audio/wav``.
    """

    path: Path
    name: str
    content_type: str
