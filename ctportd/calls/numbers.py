"""Telephone numbers, however they come, in the one form in which they can be compared: E.164, as in +12125550100."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd.errors import ConfigError

if TYPE_CHECKING:
    import phonenumbers

_PUNCTUATION = str.maketrans("", "", " -.()/\u00a0")
"""What people write into numbers to read them more easily."""

_DIALLED = frozenset("0123456789+*#")


class Number(msgspec.Struct, frozen=True):
    """A telephone number.

    Attributes:
        text: As it came.
        e164: In its international form; where it is none of the public network (an extension, a word), as it came, but
            without punctuation.
        national: As it is dialled within its country, without prefix; empty where it is none of the public network.
        country: Two letters, as in ISO 3166; empty where it is not known.
    """

    text: str
    e164: str
    national: str = ""
    country: str = ""

    @property
    def withheld(self) -> bool:
        """Whether it is no number at all: empty, or a word such as ``P`` or ``Anonymous``."""
        return not any(character.isdigit() for character in self.e164)

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms in which people write it down: international, national, and as it came."""
        return tuple(dict.fromkeys(filter(None, (self.e164, self.national, _bare(self.text)))))


class Numbers:
    """Reads the numbers of a place.

    Args:
        country: The country of numbers that come without one, two letters as in ISO 3166.
        area: The area code of numbers that come without one; empty: they are left as they are.

    Raises:
        ConfigError: There is no such country.
    """

    def __init__(self, country: str = "US", area: str = "") -> None:
        import phonenumbers  # noqa: PLC0415 - heavy: who reads no number needs none of it

        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise ConfigError(
                f"[numbers] country: found {country!r}, expected a country's two letters, such as 'US' or 'DE'"
            )
        self.country = country
        self.area = area

    def of(self, text: str) -> Number:
        """Read a number; what is none stays as it is, but for bytes that came over the line and are no text."""
        import phonenumbers  # noqa: PLC0415 - loaded at the beginning, as above

        text = plain(text)
        parsed = self._parsed(text)
        if parsed is None:
            return Number(text, _bare(text))
        return Number(
            text,
            phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
            phonenumbers.national_significant_number(parsed),
            phonenumbers.region_code_for_number(parsed) or "",
        )

    def _parsed(self, text: str) -> phonenumbers.PhoneNumber | None:
        import phonenumbers  # noqa: PLC0415 - as above

        possible = phonenumbers.ValidationResult
        for attempt in (text, self.area + text) if self.area else (text,):
            try:
                parsed = phonenumbers.parse(attempt, self.country)
            except phonenumbers.NumberParseException:
                return None
            found = phonenumbers.is_possible_number_with_reason(parsed)
            if found == possible.IS_POSSIBLE:
                return parsed
            if found != possible.IS_POSSIBLE_LOCAL_ONLY:
                return None
        return None


def plain(text: str) -> str:
    """Text that any program takes: bytes that came over the line and are no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode()


def region_of(number: str) -> str:
    """Where a number in E.164 is from, in English: ``New York, NY``; empty where that cannot be said.

    The first use loads the world's area codes, which takes half a second and 100 MB of memory.
    """
    import phonenumbers  # noqa: PLC0415 - as above
    from phonenumbers import geocoder  # noqa: PLC0415 - heavy, and seldom wanted

    try:
        return geocoder.description_for_number(phonenumbers.parse(number), "en")
    except phonenumbers.NumberParseException:
        return ""


def _bare(text: str) -> str:
    """A number without its punctuation; a word as it is."""
    bare = text.translate(_PUNCTUATION)
    return bare if bare and _DIALLED.issuperset(bare) else text.strip()
