"""What docs/mail.md shows of commands and files is what they are, with a mail server that answers as there."""

from __future__ import annotations

import asyncio
import shlex
import ssl
from fnmatch import filter as filter_names
from pathlib import Path
from typing import TYPE_CHECKING

import tomli_w
import trustme
from click.testing import CliRunner
from support.documents import blocks
from support.mail import MailServer
from support.pages.comparing import is_shown

from ctportd.cli import program

if TYPE_CHECKING:
    from ctportd.testing import Line

SHOWN = [found for block in blocks("docs/mail.md") for found in block.commands]
(FILES,) = [block.text.splitlines() for block in blocks("docs/mail.md") if not block.language]


def printed(config: Path, command: str) -> str:
    """What a command prints."""
    return CliRunner().invoke(program, ["--config", str(config), *shlex.split(command)[1:]]).output


async def test_test_letters(tmp_path: Path) -> None:
    """One with the right password, and one with a wrong one: what is shown is what is printed."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = MailServer()
    server.says = "250 2.0.0 Ok: queued as 4F1C22A0"
    letters = [found for found in SHOWN if found[0].startswith("ctportd mail ")]
    assert len(letters) == 2
    async with server.listening(context) as port:
        for (command, shown), password in zip(letters, ("hush", "wrong"), strict=True):
            mail = {"host": "localhost", "port": port, "user": "ada", "password": password,
                    "ca_file": str(tmp_path / "ca.pem"), "sender": "phone@example.com"}  # fmt: skip
            (tmp_path / "x.toml").write_text(tomli_w.dumps({"mail": mail}))
            told = await asyncio.to_thread(printed, tmp_path / "x.toml", command)
            told = told.replace(f"localhost:{port}", "smtp.example.com:587").replace(
                "'ada'", "'phone@example.com'"
            )
            assert is_shown(told, shown), told


async def test_outbox(ctportd_line: Line) -> None:
    """A message for Ada, whose mail server has no room: the letter waits as it is shown, in the files that are named."""
    server = MailServer()
    server.refuses["ada@example.com"] = "450 full"
    ((command, shown),) = [found for found in SHOWN if "outbox" in found[0]]
    async with server.listening() as port:
        house = await ctportd_line(
            {1: ["voicemail:100"]}, settings={"voicemail": {"mailboxes": {"100": {"email": "ada@example.com"}}}},
            mail={"host": "127.0.0.1", "port": port, "security": "none", "sender": "phone@example.com"},
        )  # fmt: skip
        phone = await house.call(1, number="5550102", name="Grace Hopper")
        await phone.recorded()
        await phone.say(seconds=2)
        await phone.hang_up()
        await house.idle()
        await asyncio.sleep(100)  # of the line: after 30 s, and 60 more
        told = await asyncio.to_thread(printed, house.config_path, command)
    assert is_shown(told, shown), told
    state = house.config_path.parent / "state"
    there = await asyncio.to_thread(lambda: [str(path.relative_to(state)) for path in Path(state).rglob("*")])
    for line in FILES:
        pattern = line.split()[0].removeprefix("state/").replace("ID", "*").replace("MESSAGE", "*")
        assert filter_names(there, pattern), line
