"""PINs as they are kept: scrypt hashes (RFC 7914), each with a salt of its own.

A PIN has four digits or a few more: whoever has the file can try them all. Scrypt makes each try cost a tenth of a
second and 32 MiB, so that a short PIN is found in minutes rather than at once, and one of eight digits hardly ever.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from typing import Annotated, TypeAlias

from msgspec import Meta

_COST = 2**15
_BLOCK = 8
_PARALLEL = 1
_MEMORY = 64 * 1024 * 1024  # bytes that OpenSSL may use: 128 * cost * block, and some
_MOST_MEMORY = 48 * 1024 * 1024  # bytes of a hash from elsewhere, which leaves scrypt its rest
_MOST_PARALLEL = 4  # each costs the same time again
_SALT = 16  # bytes
_LENGTH = 32  # bytes

SHORTEST_PIN = 4
"""Digits that a PIN must have."""

LONGEST_PIN = 12
"""Digits that a PIN may have: more, nobody keys in."""

PIN_HASH = r"^scrypt:[0-9]{1,8}:[0-9]{1,2}:[0-9]{1,2}:[A-Za-z0-9+/=]{8,64}:[A-Za-z0-9+/=]{16,96}\Z"
"""What a hash looks like: ``scrypt:COST:BLOCK:PARALLEL:SALT:HASH``, the last two in base 64."""


PinHash: TypeAlias = Annotated[str, Meta(pattern=rf"^\Z|{PIN_HASH}")]
"""The type of a key ``pin``, which may be empty; :func:`check_pin` looks at the rest."""


def hash_pin(pin: str) -> str:
    """The hash of a PIN, with a new salt. Takes about a tenth of a second, on purpose.

    Raises:
        ValueError: It is no PIN: digits, neither too few nor too many.
    """
    if not re.fullmatch(f"[0-9]{{{SHORTEST_PIN},{LONGEST_PIN}}}", pin):
        raise ValueError(f"a PIN is {SHORTEST_PIN} to {LONGEST_PIN} digits")
    salt = secrets.token_bytes(_SALT)
    digest = _scrypt(pin, salt, _COST, _BLOCK, _PARALLEL)
    return f"scrypt:{_COST}:{_BLOCK}:{_PARALLEL}:{_encoded(salt)}:{_encoded(digest)}"


def check_hash(hashed: str) -> None:
    """Check that a PIN can be compared with this hash.

    Raises:
        ValueError: It cannot. It says why, without the hash.
    """
    if not re.match(PIN_HASH, hashed):
        raise ValueError("it is no hash of a PIN")
    _, cost, block, parallel, salt, digest = hashed.split(":")
    problem = _problem(int(cost), int(block), int(parallel)) or _unreadable(salt, digest)
    if problem:
        raise ValueError(problem)


def check_pin(hashed: str) -> None:
    """Check the key ``pin`` of a table: it is empty, or a PIN can be compared with it.

    Raises:
        ValueError: Neither. It begins with the key.
    """
    if not hashed:
        return
    try:
        check_hash(hashed)
    except ValueError as error:
        raise ValueError(f"pin: cannot be used: {error}; make it anew with 'ctportd pin'") from None


def _problem(cost: int, block: int, parallel: int) -> str:
    """Why scrypt would refuse these, by RFC 7914 and by what it may use here; empty where it would not."""
    if block < 1:
        return f"its block {block} is not from 1"
    if cost < 2 or cost & (cost - 1):
        return f"the cost {cost} is no power of two"
    if cost >= 2 ** (16 * block):
        return f"the cost {cost} is too high for the block {block}"
    if 128 * cost * block > _MOST_MEMORY:
        return f"it needs more than {_MOST_MEMORY // 2**20} MiB"
    if not 1 <= parallel <= _MOST_PARALLEL:
        return f"its parallelism {parallel} is not from 1 to {_MOST_PARALLEL}"
    return ""


def _unreadable(salt: str, digest: str) -> str:
    try:
        base64.b64decode(salt, validate=True)
        length = len(base64.b64decode(digest, validate=True))
    except binascii.Error:
        return "its salt or its digest is no base 64"
    return "" if length == _LENGTH else f"its digest has {length} bytes, not {_LENGTH}"


def matches(pin: str, hashed: str) -> bool:
    """Whether this is the PIN of a hash that passes :func:`check_hash`. Takes as long as :func:`hash_pin`."""
    _, cost, block, parallel, salt, digest = hashed.split(":")
    tried = _scrypt(pin, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(tried, base64.b64decode(digest))


def _scrypt(pin: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY, dklen=_LENGTH)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
