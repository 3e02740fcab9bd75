"""What an owner has changed by telephone, in a small file in the mailbox's folder.

It is no row of the database: one that is lost would bring the old PIN back, which others may know.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from ctportd import StorageError, recordings

if TYPE_CHECKING:
    from pathlib import Path

FILE = "owner.json"
"""What it is called."""

UNAVAILABLE = "unavailable"

_turn = threading.Lock()  # of whoever changes one: an owner may be there on two lines


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an owner has changed.

    Attributes:
        pin: The hash of the PIN; empty: it is the configuration's.
        greeting: Which greeting is played: ``unavailable``, or a number.
        set_up: Whether the first visit has come to its end.
    """

    pin: str = ""
    greeting: str = UNAVAILABLE
    set_up: bool = False


def read(path: Path) -> Changes:
    """What has been changed so far. For a thread that may wait for the disk.

    Raises:
        StorageError: It is there, and cannot be read; nobody knows what the PIN is then.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Changes)
    except FileNotFoundError:
        return Changes()
    except OSError as error:
        raise StorageError(f"the file {path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "remove it, and the configuration's PIN holds again"
        raise StorageError(f"the file {path} does not say what an owner has changed: {error}; {hint}") from error


def change(path: Path, **wanted: str | bool) -> Changes:
    """Change some of it; returns all of it. For a thread that may wait for the disk.

    Raises:
        StorageError: The disk refuses, or it cannot be read; all is as it was.
    """
    with _turn:
        changed = msgspec.structs.replace(read(path), **wanted)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            recordings.write_now(path, msgspec.json.encode(changed))
        except OSError as error:
            raise StorageError(f"the file {path} cannot be written: {error.strerror}") from error
    return changed
