"""Writes a configuration with a comment for each key that its owner may want to change."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from ctportd.config import from_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.installing.wishes import Places, Wishes

_HEAD = """\
# The configuration of ctportd. What is left out has its default: `ctportd init --sample` prints every key there is, with
# what it means. `ctportd check` tells what is wrong with a change, `ctportd explain` what would become of a call."""

_LINES = {
    "virtual": """\
# ctportd's own ctserver with virtual lines: `ctportd phone 1` calls port 1. For a card, write mode = "program" and
# program = "/usr/sbin/ctserver"; for a ctserver that runs already, mode = "remote" and its host.""",
    "program": "# The card's ctserver, which the daemon runs.",
    "remote": "# A ctserver that runs already.",
}

_ATTENDANT = """\
# The menu that answers. Prompts of your own are files in a folder that [prompts] paths names.
[plugins.auto_attendant.menus.main]
prompt = "menu-main"
keys = {{ 1 = {mailbox}, 2 = "menu:hours", 0 = {mailbox}, "*" = "hangup" }}

[plugins.auto_attendant.menus.hours]
prompt = "menu-hours"
keys = {{ 1 = {mailbox}, "*" = "menu:main" }}"""


def configuration(wishes: Wishes, places: Places, source: str) -> str:
    """The text of a configuration.

    Args:
        wishes: What it is to be.
        places: Where the files are.
        source: What its file will be called, for errors.

    Raises:
        ConfigError: What is wished for cannot be.
    """
    text = "\n\n".join([_HEAD, *_parts(wishes, places)]) + "\n"
    from_data(tomllib.loads(text), source)
    return text


def _parts(wishes: Wishes, places: Places) -> Iterator[str]:
    yield (
        "# The folder of all that must survive: the database, the recordings.\n"
        f"[daemon]\nstate = {_quoted(places.state)}"
    )
    yield f"# JSON lines; see also `ctportd rotate`.\n[log]\nfile = {_quoted(places.log)}"
    yield f"# Where the commands reach the daemon.\n[control]\nsocket = {_quoted(places.socket)}"
    yield "\n".join(_server(wishes))
    if wishes.lines == "virtual":
        yield f"[exchange]\nlog = {_quoted(places.exchange_log)}"
    yield from _ports(wishes)
    yield (
        "# What is missing in the numbers of callers from nearby.\n"
        f"[numbers]\ncountry = {_quoted(wishes.country.upper())}\narea = {_quoted(wishes.area)}"
    )
    if wishes.mail_server:
        yield (
            '# The mail server that takes our letters. Where it wants a password: user = "..." and\n'
            '# password_file = "...", and security = "starttls" or "tls".\n'
            f"[mail]\nhost = {_quoted(wishes.mail_server)}\nsender = {_quoted(wishes.mail_sender)}\n"
            f"security = {_quoted('none' if wishes.mail_server in ('localhost', '127.0.0.1') else 'starttls')}"
        )
    yield (
        "# Your own plugins; those that come with ctportd are there without it.\n"
        f"[plugins]\ndirectory = {_quoted(places.plugins)}"
    )
    yield "\n".join(_mailbox(wishes))
    if wishes.attendant:
        yield _ATTENDANT.format(mailbox=_quoted(f"voicemail:{wishes.mailbox}"))


def _server(wishes: Wishes) -> Iterator[str]:
    yield _LINES[wishes.lines]
    yield "[[ctserver]]"
    yield f"mode = {_quoted(wishes.lines)}"
    if wishes.lines == "program":
        yield f"program = {_quoted(wishes.where)}"
    if wishes.lines == "remote":
        yield f"host = {_quoted(wishes.where)}"


def _ports(wishes: Wishes) -> Iterator[str]:
    answers = "auto_attendant" if wishes.attendant else f"voicemail:{wishes.mailbox}"
    for number in range(1, wishes.ports + 1):
        comment = (
            "# The telephone ports, and which plugins are offered their calls, one after the other:\n"
            "# `screening` turns away whom [plugins.screening] block names.\n"
        )
        table = f'[[port]]\nnumber = {number}\nhandlers = ["screening", {_quoted(answers)}]'
        yield comment + table if number == 1 else table


def _mailbox(wishes: Wishes) -> Iterator[str]:
    yield "# Who presses * in the greeting and keys in the PIN hears the messages; `ctportd pin` prints a PIN's hash."
    yield f"[plugins.voicemail.mailboxes.{wishes.mailbox}]"
    if wishes.owner:
        yield f"name = {_quoted(wishes.owner)}"
    yield f"pin = {_quoted(wishes.pin)}"
    if wishes.email:
        yield f"email = {_quoted(wishes.email)}"


def _quoted(text: str) -> str:
    """A string of TOML; those of JSON are."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
