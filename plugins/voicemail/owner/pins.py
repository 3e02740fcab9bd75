"""Which PINs an owner may choose."""

from __future__ import annotations

from itertools import pairwise

from ctportd import LONGEST_PIN


def refused(pin: str, mailbox: str, shortest: int, before: str = "") -> str:
    """The prompt that says what is wrong with a new PIN; empty where nothing is.

    Args:
        pin: The new one.
        mailbox: The mailbox's number.
        shortest: Digits that it must have.
        before: The one that it has to differ from; empty for none.
    """
    if len(pin) < shortest:
        return "vm-pin-short"
    if len(pin) > LONGEST_PIN:
        return "vm-pin-long"
    if not pin.isdecimal():
        return "vm-pin-digits"
    if pin == before:
        return "vm-pin-old"
    return "vm-pin-easy" if _is_run(pin) or (mailbox and mailbox in (pin, pin[::-1])) else ""


def _is_run(pin: str) -> bool:
    """Whether each digit is one more than the last, or one less, or the same: 1234, 8901, 4321, 0000."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return steps in ({0}, {1}, {9})
