"""Anything as JSON for the database, whatever bytes have come over a telephone line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable


def as_json(value: Any, unknown: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON, with question marks for bytes that are no UTF-8.

    Args:
        value: The value.
        unknown: Makes something else of what JSON cannot hold; None: that is refused.

    Raises:
        StoreError: No JSON can hold it, such as what holds itself.
    """
    try:
        try:
            return msgspec.json.encode(value, enc_hook=unknown).decode()
        except UnicodeEncodeError:
            told = msgspec.to_builtins(value, enc_hook=unknown, str_keys=True)
            return json.dumps(told, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"this cannot be written down as JSON: {error}", of_data=True) from error
