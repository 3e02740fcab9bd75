"""Files of callers: what other programs write, and what we write ourselves."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctportd.errors import ListError
from plugins.screening.files import read_cards, read_side, read_text, write_text
from plugins.screening.lists import Entry
from plugins.screening.memory import Hits

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

TEXTS = st.builds(
    str.__add__,
    st.sampled_from(["", "'", "=", "'=", "''@", "-1", "+1 ", "+1", "a\n"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
).map(str.strip)
MATCHES = st.sampled_from(["+12125550100", "+1900*", "name:*spam, inc*", "=1+1", '/^\\+1(800|888)"/', "204", "#1"])
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))


@given(
    st.lists(
        st.builds(
            Entry,
            match=MATCHES,
            list=st.sampled_from(["allow", "block"]),
            action=st.sampled_from(["", "reject", "voicemail:100"]),
            name=TEXTS,
            note=TEXTS,
            by=TEXTS,
            added=MOMENTS,
            expires=MOMENTS,
            hours=st.sampled_from(["", "22:00-07:00"]),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_back(entries: list[Entry]) -> None:
    """Whatever names and notes hold, and whatever list is meant for files that do not say."""
    text = write_text(entries, {"block +1900*": Hits(3, NOON)})
    assert [entry for _, entry in read_text(text, "x.csv", "allow")] == entries


def test_no_cell_is_a_formula() -> None:
    """What callers choose computes nothing in a spreadsheet; numbers stay as they are; no row ends within a name."""
    entries = [
        Entry(match="=1+1", list="block", name="=HYPERLINK(1)", note="@SUM(1)", by="-1+2"),
        Entry(match="+1900*", list="block", name="Ada\rByron", note="'=2", by="-1"),
    ]
    text = write_text(entries, {})
    rows = [row[1:6] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert rows == [
        ["'=1+1", "", "'=HYPERLINK(1)", "'@SUM(1)", "'-1+2"],
        ["+1900*", "", "Ada\nByron", "''=2", "-1"],
    ]
    assert [entry.name for _, entry in read_text(text, "x.csv", "allow")] == ["=HYPERLINK(1)", "Ada\nByron"]


def test_hits_are_written_for_people() -> None:
    """How often a rule has counted, and when last."""
    text = write_text([Entry(match="204", list="block")], {"block 204": Hits(3, NOON)})
    assert text.splitlines()[1].endswith(",3,2026-11-24T12:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (  # one with a header of another program
            'Phone_No,Name,Reason,"System Date Time"\n8005550100,WE CALL,"spam, again",27-Jan-2020 10:30\n',
            [("x line 2", "8005550100", "WE CALL", "spam, again")],
        ),
        (  # one without a header, whichever way round
            "# mine\n\n212-555-0100,Ada,friend\nBob,212-555-0101\n204\n",
            [
                ("x line 3", "212-555-0100", "Ada", "friend"),
                ("x line 4", "212-555-0101", "Bob", ""),
                ("x line 5", "204", "", ""),
            ],
        ),
        (  # a list of NCID
            '# NCID\n8005550100 # = a bank\n"8005550101" "8005550102"\n^1900\nPRIVATE\n+1 212 555 0100\n',
            [
                ("x line 2", "8005550100", "", "a bank"),
                ("x line 3", "8005550101", "", ""),
                ("x line 3", "8005550102", "", ""),
                ("x line 4", "/^1900/", "", ""),
                ("x line 5", "name:PRIVATE", "", ""),
                ("x line 6", "+1 212 555 0100", "", ""),
            ],
        ),
        ("number,name\n", []),
        (
            'number,note\n204,"two\nlines"\n205,x\n',
            [("x line 2", "204", "", "two\nlines"), ("x line 4", "205", "", "x")],
        ),
        ("", []),
    ],
)
def test_files_of_others(text: str, expected: list[tuple[str, str, str, str]]) -> None:
    """Each entry with the line on which it stands."""
    found = [(where, entry.match, entry.name, entry.note) for where, entry in read_text(text, "x", "block")]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("number,action\n1,pass\n2,re-ject\n", "^x line 3: action: found 're-ject', expected one of"),
        ("number,list\n1,friends\n", "^x line 2: Invalid enum value 'friends'"),
        ("number,expires\n1,tomorrow\n", "^x line 2: Invalid RFC3339"),
        ("number,expires\n1,2027-01-31T00:00:00\n", "^x line 2: Expected `datetime` with a timezone"),
        ("number,name\n,Ada\n", "^x line 2: there is no number, and nothing else to match"),
        ('204,ok\n205,"open\n', "^x line 2: is no CSV: unexpected end of data"),
        ('"a\\"\n', "x line 1: No closing quotation"),
        ("number,expires\n204,2026-12-25T10:00\n", "x line 2: Invalid"),
        ("number,expires\n204,2026-12-25T10:00:00\n", "x line 2: Expected `datetime` with a timezone"),
    ],
)
def test_lines_that_make_no_sense(text: str, problem: str) -> None:
    """The first one is told of, with its line."""
    with pytest.raises(ListError, match=problem):
        list(read_text(text, "x", "block"))


CARDS = """BEGIN:VCARD
VERSION:3.0
FN:Ada Lovelace
TEL;TYPE=CELL:+1 212 555 0100
TEL;TYPE=WORK:212-555-0101
END:VCARD
BEGIN:VCARD
VERSION:4.0
ORG:Analytical Engines;Sales
TEL;VALUE=uri:tel:+1-212-555-0102
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:No Telephone
END:VCARD
"""


def test_address_book() -> None:
    """Each number with its owner's name."""
    found = [(where, entry.match, entry.name) for where, entry in read_cards(CARDS, "a.vcf", "allow")]
    assert found == [
        ("a.vcf card 1", "+1 212 555 0100", "Ada Lovelace"),
        ("a.vcf card 1", "212-555-0101", "Ada Lovelace"),
        ("a.vcf card 2", "+1-212-555-0102", "Analytical Engines Sales"),
    ]
    with pytest.raises(ListError, match=r"^a\.vcf: is no address book: "):
        list(read_cards("BEGIN:VCARD\nnonsense\n", "a.vcf", "allow"))
    for charset in ("x-none", "utf-8"):  # one that nobody knows, and bytes that are not of it
        card = f"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET={charset}:=E9\nTEL:204\nEND:VCARD\n"
        with pytest.raises(ListError, match=r"^a\.vcf: is no address book: "):
            list(read_cards(card, "a.vcf", "allow"))


def test_list_from_elsewhere_has_its_own_side_only(tmp_path: Path) -> None:
    """Whoever writes a list of callers to block lets nobody through with it."""
    spam = tmp_path / "spam.csv"
    spam.write_text("number,list\n2125550100,\n*,allow\n")
    assert [(where, entry.match) for where, entry in read_side(spam, "block")] == [
        ("spam.csv line 2", "2125550100")
    ]
    assert [entry.match for _, entry in read_side(spam, "allow")] == ["2125550100", "*"]
    with spam.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ListError, match="it has more than 64 MiB"):
        read_side(spam, "block")
