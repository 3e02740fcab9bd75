r"""What a rule matches.

- ``+1 212 555 0100``, ``212-555-0100``: one number, however it is written;
- ``+1900*``, ``555????``: wildcards, against the number in each form in which it may be written down;
- ``/^\+1(800|888)/``: a regular expression, found anywhere in one of these forms;
- ``name:``, and one of the three: the same for the caller's name, whatever its case.

Regular expressions are RE2's: they take time in proportion to the text, whatever they say, and so can hang nobody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import re2

from ctportd import Number, plain

if TYPE_CHECKING:
    from ctportd import Numbers

LONGEST = 200
"""Characters of a pattern: the store's keys hold 255 (our figure)."""

_LARGEST = 128 * 1024
"""Bytes that an expression may take when it is compiled: a short one can swell to megabytes (our figure)."""

_NAME = "name:"
_E164 = re.compile(r"\+[0-9]{7,15}")
_NUMBER_WILDCARD = re.compile(r"\+?[0-9*?#]+")
_PUNCTUATION = str.maketrans("", "", " -.()/")


class Subject(msgspec.Struct, frozen=True):
    """A caller, as patterns see one.

    Attributes:
        number: The number.
        name: The name, folded.
    """

    number: Number
    name: str

    def forms(self, *, of_name: bool) -> tuple[str, ...]:
        """What a pattern is tried against; empty where that is not known."""
        if of_name:
            return (self.name,) if self.name else ()
        return () if self.number.withheld else self.number.forms


class Pattern(msgspec.Struct, frozen=True):
    """What a rule matches, read.

    Attributes:
        text: As it is kept: two that mean the same have the same text.
        kind: ``exact``, ``prefix`` (a wildcard that ends in its only star), ``wildcard`` or ``expression``.
        key: Of an exact one or a prefix: what is compared.
        of_name: Whether it is about names.
        expression: Of the others: the compiled expression.
    """

    text: str
    kind: Literal["exact", "prefix", "wildcard", "expression"]
    key: str = ""
    of_name: bool = False
    expression: Any = None

    def matches(self, subject: Subject) -> bool:
        """Whether it is such a caller."""
        forms = subject.forms(of_name=self.of_name)
        if self.kind == "exact":
            return self.key in forms
        if self.kind == "prefix":
            return any(form.startswith(self.key) for form in forms)
        return any(self.expression.search(form) for form in forms)


def fold(name: str) -> str:
    """A name as it is compared: whatever its case and spaces."""
    return " ".join(plain(name).casefold().split())


def read_pattern(text: str, numbers: Numbers) -> Pattern:
    """Read what a rule matches.

    Raises:
        ValueError: It can match nothing, or is no regular expression of RE2.
    """
    body = text.strip()
    of_name = body[: len(_NAME)].casefold() == _NAME
    if of_name:
        body = body[len(_NAME) :].strip()
    if not body:
        raise ValueError("there is nothing to match")
    if len(body) > LONGEST:
        raise ValueError(f"has {len(body)} characters, expected {LONGEST} at most")
    if len(body) > 1 and body[0] == body[-1] == "/":
        return _expression(body, of_name=of_name)
    if "*" in body or "?" in body:
        return _wildcard(body, of_name=of_name)
    if of_name:
        return Pattern(_NAME + fold(body), "exact", fold(body), of_name=True)
    return _number(body, numbers)


def exactly(number: str, numbers: Numbers) -> str:
    """What matches a caller's number and no other: an exchange may send what would be a wildcard, or an expression.

    Args:
        number: As :class:`~ctportd.Number` has it in ``e164``.
        numbers: Reads numbers.
    """
    try:
        read = read_pattern(number, numbers)
    except ValueError:
        read = None
    if read is not None and (read.kind, read.key, read.of_name) == ("exact", number, False):
        return read.text
    return f"/^{re2.escape(number)}$/"


def _number(body: str, numbers: Numbers) -> Pattern:
    if _E164.fullmatch(body):  # as lists of thousands are kept
        return Pattern(body, "exact", body)
    number = numbers.of(body)
    if number.withheld:
        raise ValueError(f"{body!r} is no number; a name is written as 'name:{body}'")
    return Pattern(number.e164, "exact", number.e164)


def _wildcard(body: str, *, of_name: bool) -> Pattern:
    body = fold(body) if of_name else body.translate(_PUNCTUATION)
    if not of_name and not _NUMBER_WILDCARD.fullmatch(body):
        raise ValueError(f"{body!r} can be no number; a name is written as 'name:{body}'")
    text = _NAME + body if of_name else body
    if body.count("*") == 1 and body.endswith("*") and "?" not in body:
        return Pattern(text, "prefix", body[:-1], of_name=of_name)
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(character) or re2.escape(character) for character in body)
    return Pattern(text, "wildcard", of_name=of_name, expression=_compiled(f"^{expression}$", of_name=of_name))


def _expression(body: str, *, of_name: bool) -> Pattern:
    text = _NAME + body if of_name else body
    return Pattern(text, "expression", of_name=of_name, expression=_compiled(body[1:-1], of_name=of_name))


def _compiled(expression: str, *, of_name: bool) -> Any:
    options = re2.Options()
    options.log_errors = False  # which would go to the terminal, past every log
    options.max_mem = _LARGEST
    options.case_sensitive = not of_name
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "it is too large"
        raise ValueError(f"{expression!r} is no regular expression of RE2: {reason}") from error
