"""Callers' numbers and names, made unreadable in what is shown to others."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ctportd.records import CallRecord, Step

SHOWN = 2
"""The last digits of a number, which stay."""

NAME = "x"
"""What stands for a name."""

_TAIL = 7
"""Digits at a number's end by which it is known in any form: with country and area, or without (our figure)."""

_LONGEST_MENU = 4
"""Keys in a row that may be the answers to menus: more are taken for a number (our figure)."""

_APART = r"[\s().\-/]*"  # what people put between the digits of a number
_ADDRESS = re.compile(r"[^\s@,;:<>\"'/]+(?=@)")


class Mask:
    """Masks these numbers and names wherever they stand, in whatever form.

    Args:
        numbers: As they came; all but their last :data:`SHOWN` digits are masked.
        names: As they came.
    """

    def __init__(self, numbers: Iterable[str], names: Iterable[str]) -> None:
        self._numbers = [
            _pattern(digits) for digits in {_digits(number) for number in numbers} if len(digits) > SHOWN
        ]
        self._names = [re.compile(re.escape(name), re.IGNORECASE) for name in set(names) if name.strip()]

    def text(self, text: str) -> str:
        """A text without them, and without the names of mail addresses."""
        for pattern in self._numbers:
            text = pattern.sub(lambda found: masked_number(found[0]), text)
        for pattern in self._names:
            text = pattern.sub(NAME, text)
        return _ADDRESS.sub(NAME, text)

    def data(self, data: Any) -> Any:
        """Any data of JSON without them."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list):
            return [self.data(item) for item in data]
        if isinstance(data, dict):
            return {key: self.data(value) for key, value in data.items()}
        hidden = self.text(str(data)) if isinstance(data, int | float) else data
        return data if hidden == str(data) else hidden


def masked_number(number: str) -> str:
    """A number whose last digits only can be read, in the form that it had."""
    hidden = max(len(_digits(number)) - SHOWN, 0)
    return re.sub("[0-9]", "x", number, count=hidden) if hidden else number


def masked_call(call: CallRecord) -> CallRecord:
    """A call's record, with the caller unreadable."""
    mask = Mask([call.number, call.e164], [call.name])
    return msgspec.structs.replace(
        call,
        number=masked_number(call.number),
        name=NAME if call.name else "",
        e164=masked_number(call.e164),
        region="",
        rule=mask.text(call.rule),
    )


def masked_steps(steps: list[Step], call: CallRecord | None = None) -> list[Step]:
    """What happened on a call, with callers, and all who were dialled, unreadable."""
    numbers = [*_told(steps, "number"), *(key for key in _told(steps, "keys") if len(key) > _LONGEST_MENU)]
    names = _told(steps, "name")
    mask = Mask([*numbers, call.number] if call else numbers, [*names, call.name] if call else names)
    keyed = _without_numbers(steps)
    return [msgspec.structs.replace(step, details=mask.data(step.details)) for step in keyed]


def _told(steps: list[Step], detail: str) -> list[str]:
    return [str(step.details[detail]) for step in steps if step.details.get(detail)]


def _without_numbers(steps: list[Step]) -> Iterator[Step]:
    """The steps, where keys that make a number are masked one by one."""
    hidden: set[int] = set()
    keyed = [(place, step) for place, step in enumerate(steps) if step.kind != "collected"]
    for is_key, run in groupby(keyed, lambda item: item[1].kind == "key"):
        places = [place for place, step in run if str(step.details.get("key")) in "0123456789"]
        if is_key and len(places) > _LONGEST_MENU:
            hidden.update(places[:-SHOWN])
    for place, step in enumerate(steps):
        yield msgspec.structs.replace(step, details={**step.details, "key": "x"}) if place in hidden else step


def _digits(number: str) -> str:
    return "".join(re.findall("[0-9]", number))


def _pattern(digits: str) -> re.Pattern[str]:
    """Where a number stands in a text: a long one in any form, a short one only by itself."""
    if len(digits) < _TAIL:
        return re.compile(rf"(?<![0-9]){digits}(?![0-9])")
    return re.compile(rf"\+?(?:[0-9]{_APART})*" + _APART.join(digits[-_TAIL:]) + "(?![0-9])")
