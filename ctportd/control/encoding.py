"""Structures as JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def as_json(data: Any) -> bytes:
    """Data as JSON; bytes that were no UTF-8 become question marks."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:  # a line of ctserver's, or a caller's name
        return json.dumps(msgspec.to_builtins(data), ensure_ascii=False).encode("utf-8", "replace")
