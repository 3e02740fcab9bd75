"""Which parts of a configuration are nobody's business, and the configuration without them."""

from __future__ import annotations

import re
from typing import Any

MASK = "********"
"""What is shown in place of a secret."""

_SECRET = re.compile(
    r"(?:.*[_-])?(?:password|passwd|passphrase|token|secret|api[_-]?key|private[_-]?key|access[_-]?key)|pin",
    re.IGNORECASE,
)
"""The names of keys whose values are secrets. ``shortest_pin`` and ``password_file`` are none."""

_HASHED_PIN = "scrypt:"

_WITHIN = (
    re.compile(r"(://[^/:@\s]*:)\S*(?=@)"),  # user:password@host
    re.compile(r"(\b(?:password|passwd|token|secret|api[_-]?key)=)[^&;\s]+", re.IGNORECASE),
)
"""Secrets within a text: in an address, or in the arguments of a program."""


def is_secret(key: str) -> bool:
    """Whether what stands under a key of this name is a secret."""
    return _SECRET.fullmatch(key) is not None


def masked(data: Any) -> Any:
    """Data of a configuration without secrets, at any depth. What is empty stays so: there is no secret."""
    if isinstance(data, dict):
        return {key: _hidden(value) if is_secret(key) else masked(value) for key, value in data.items()}
    if isinstance(data, list):
        return [masked(item) for item in data]
    if not isinstance(data, str):
        return data
    if data.startswith(_HASHED_PIN):
        return MASK
    for secret in _WITHIN:
        data = secret.sub(rf"\g<1>{MASK}", data)
    return data


def _hidden(data: Any) -> Any:
    """What stands under a secret's key: all of it is hidden, however it is written."""
    if isinstance(data, dict):
        return {key: _hidden(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_hidden(item) for item in data]
    return MASK if data else data
