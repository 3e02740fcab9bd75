"""Letters before they meet with a server: what they say, when they are offered, what may be set."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import aiosmtplib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ctportd.config import MASK, dump, effective, from_data
from ctportd.errors import ConfigError, InvalidArgument
from ctportd.mail.compose import cleaned, composed
from ctportd.mail.letter import Letter
from ctportd.mail.server import told
from ctportd.mail.service import back_off, is_due
from plugins.call_mail import may_write

if TYPE_CHECKING:
    from email.message import EmailMessage

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MAIL = {"host": "mail.example.com", "sender": "ctportd <phone@example.com>"}
ODD = st.text(st.characters(codec=None, categories=None) | st.sampled_from('\r\n\0\x85\u2028:<>@,"\\\udcff'))
"""What a caller's name may be made of: what ends a line somewhere, what headers are made of, and bytes of no UTF-8."""


def read_back(letter: Letter, sender: str = "phone@example.com") -> EmailMessage:
    """A letter as it arrives."""
    raw = composed(cleaned(letter), sender, NOON)
    assert raw.isascii()
    return message_from_bytes(raw, policy=default)


def test_letter_says_what_it_should() -> None:
    """Headers in any script; the same Message-ID each time; no machine is to answer it."""
    letter = Letter(to=["ada@example.com", "bob@example.org"], subject="Grüße von 雪", text="Ψ\nzwei\n", id="7")
    message = read_back(letter, '"Anrüfe \\"f\\"" <phone@example.com>')
    assert message["Subject"] == "Grüße von 雪"
    assert message["From"].addresses[0].addr_spec == "phone@example.com"
    assert message["From"].addresses[0].display_name == 'Anrüfe "f"'
    assert [address.addr_spec for address in message["To"].addresses] == letter.to
    assert (message["Message-ID"], message["Auto-Submitted"]) == ("<7@example.com>", "auto-generated")
    assert message["Date"].datetime == NOON
    assert message.get_content().split() == ["Ψ", "zwei"]


@settings(max_examples=30, deadline=None)
@given(name=ODD)
@example(name="x\r\nBcc: eve@example.net\r\n\r\nbody")
@example(name="x\nTo: eve@example.net")
def test_no_name_gets_out_of_its_header(name: str) -> None:
    """Whatever a caller is called, the letter has the headers that it should have, and the caller's text on one line."""
    message = read_back(Letter(to=["ada@example.com"], subject=f"From {name}", text=name, id="7"))
    assert sorted(message.keys()) == sorted(
        ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", *_OF_ANY_MESSAGE)
    )
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.com"]
    assert message["Subject"].isprintable()


_OF_ANY_MESSAGE = ("Content-Type", "Content-Transfer-Encoding", "MIME-Version")


@pytest.mark.parametrize(
    "to", [[], ["ada"], ["ada@"], ["a b@example.com"], ["ada@example.com\nBcc: x@y.z"], ["Ada <ada@example.com>"]]
)
def test_no_letter_goes_to_what_is_no_address(to: list[str]) -> None:
    """Whoever posts it is told so."""
    with pytest.raises(InvalidArgument, match="post: to "):
        cleaned(Letter(to=to, subject="x"))


def test_attempts_come_as_mail_servers_make_them() -> None:
    """30 seconds first, doubled each time, an hour at most; and a clock that is set back delays none."""
    assert [back_off(attempts).total_seconds() for attempts in (1, 2, 3, 7, 8, 9999)] == [
        30,
        60,
        120,
        1920,
        3600,
        3600,
    ]
    later = {
        seconds: Letter(to=["a@b.c"], subject="", next_at=NOON + timedelta(seconds=seconds))
        for seconds in (1, 4000)
    }
    assert is_due(Letter(to=["a@b.c"], subject=""), NOON)
    assert not is_due(later[1], NOON)
    assert is_due(later[1], NOON + timedelta(seconds=1))
    assert is_due(later[4000], NOON)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"sender": "nobody"}, "sender: found 'nobody', expected the address"),
        ({"user": "u"}, "user: expected with a password or a password_file"),
        ({"password": "p"}, "user: expected with"),
        ({"user": "u", "password": "p", "password_file": "f"}, "password: stands beside password_file"),
        (
            {"user": "u", "password": "p", "security": "none"},
            "security: found 'none', expected 'starttls' or 'tls'",
        ),
    ],
)
def test_mail_tables_that_cannot_work(table: dict[str, Any], problem: str) -> None:
    """Each mistake is told by its key; the same is well without a server."""
    with pytest.raises(ConfigError, match=r"x.toml: \[mail\] ") as raised:
        from_data({"mail": MAIL | table}, "x.toml")
    assert f"[mail] {problem}" in str(raised.value)
    assert from_data({"mail": {**table, "host": ""}}, "x.toml").file.mail.host == ""


def test_tcp_ports_and_passwords() -> None:
    """The usual TCP port is taken where none is set; no password is printed, not those of plugins either."""
    ports = [
        from_data({"mail": MAIL | {"security": kind}}, "x").file.mail.tcp_port
        for kind in ("none", "starttls", "tls")
    ]
    assert ports == [25, 587, 465]
    secrets = {"user": "u", "password": "hush"}
    config = from_data({"mail": MAIL | secrets, "plugins": {"mqtt": {"servers": [secrets], **secrets}}}, "x.toml")
    assert "hush" not in dump(effective(config))
    assert dump(effective(config)).count(MASK) == 3
    local = {"host": "::1", "user": "u", "password": "hush", "security": "none", "port": 2525}
    assert from_data({"mail": MAIL | local}, "x").file.mail.tcp_port == 2525


def test_letters_about_calls_are_bounded() -> None:
    """So many in any hour, whenever it begins."""
    lately: deque[float] = deque()
    assert [may_write(lately, now, 2) for now in (0.0, 60.0, 61.0, 3599.0, 3600.0, 3601.0, 3660.0)] == [
        True, True, False, False, True, False, True,
    ]  # fmt: skip


def test_words_of_a_server_are_text() -> None:
    """Bytes that are no UTF-8 come as what no JSON can hold, and the outbox and the timeline are JSON."""
    assert told(aiosmtplib.SMTPResponseException(550, "no \udcff\r\nnever")) == "550 no ? never"
