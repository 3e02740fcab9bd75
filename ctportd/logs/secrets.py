"""The last line of defence: what is secret by its name goes to no log, whoever has logged it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

HIDDEN = "(secret)"

_WORDS = {
    *("pin", "pins", "password", "passwd", "passphrase", "pwd", "token", "secret", "secrets"),
    *("credential", "credentials", "authorization"),
}

_APART = re.compile(r"[^a-z0-9]+")

_IN_URL = re.compile(r"""(?<=://)([^\s/:@]*):[^\s"']*@""")
"""User and password before a host. The password goes up to the last ``@``: one that was not escaped may hold others."""


def hide_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Hide values under names such as ``pin``, ``smtp_password`` and ``token``, and passwords in URLs."""
    for key, value in line.items():
        if is_secret(key):
            line[key] = HIDDEN
        elif isinstance(value, str):
            if "://" in value:
                line[key] = without_passwords(value)
        elif isinstance(value, dict | list | tuple):
            line[key] = _hidden_in(value)
    return line


@lru_cache(1024)
def is_secret(key: str) -> bool:
    """Whether what stands under this name is nobody's business."""
    return not _WORDS.isdisjoint(_APART.split(key.lower()))


def without_passwords(text: str) -> str:
    """A text in which URLs have no passwords."""
    return _IN_URL.sub(rf"\1:{HIDDEN}@", text)


def _hidden_in(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if is_secret(str(key)) else _hidden_in(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_hidden_in(one) for one in value)
    return without_passwords(value) if isinstance(value, str) else value
