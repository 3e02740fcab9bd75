"""Letters on their way to a real mail server: taken, put off, refused, and never lost."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trustme
from click.testing import CliRunner
from support.mail import MailServer
from support.system import ROOT, tick

from ctportd.cli import program
from ctportd.config import MailTable
from ctportd.errors import MailError, StorageError
from ctportd.mail.letter import Letter
from ctportd.mail.outbox import Outbox
from ctportd.mail.service import Mail
from ctportd.mail.trial import send_test_letter

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path

    from ctportd.records import Step
    from ctportd.testing import Line


ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
VOICE = bytes(range(256)) * 300


class Office:
    """The mail of a daemon, with a clock of its own.

    Attributes:
        now: What the clock shows.
        told: The hooks, each with the letter's subject, and the reason.
        kept: The steps of calls, by their ids.
    """

    def __init__(self, state: Path, **table: Any) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.told: list[tuple[str, str, str]] = []
        self.kept: list[tuple[str, str, dict[str, Any]]] = []
        self.state = state
        usual = {"host": "127.0.0.1", "security": "none", "sender": "phone@example.com", "timeout": 5.0}
        self.table = msgspec.convert(usual | table, MailTable)
        self.mail = self._make()

    def _make(self) -> Mail:
        return Mail(self.state, self.table, lambda: self.now, self._tell, keep=self._keep)

    def _keep(self, call: str, steps: list[Step]) -> None:
        self.kept += [(call, step.kind, step.details) for step in steps]

    def _tell(self, hook: str, letter: Letter, reason: str = "") -> None:
        self.told.append((hook, letter.subject, reason))

    async def restart(self) -> None:
        """Another run of the daemon on what is on the disk."""
        self.mail = self._make()
        await self.mail.open()

    async def pass_by(self, seconds: float) -> float | None:
        """Let time pass, and do what has fallen due."""
        self.now += timedelta(seconds=seconds)
        return await self.mail.send_due()

    async def waiting(self) -> list[Letter]:
        """What is in the outbox."""
        return await asyncio.to_thread(Outbox(self.state).letters)


def letter(subject: str, *to: str, **more: Any) -> Letter:
    """A letter to Ada, or to others."""
    return Letter(to=list(to or (ADA,)), subject=subject, **more)


async def test_letter_waits_until_it_is_taken(tmp_path: Path) -> None:
    """A server that is busy gets it after 30 seconds, whole, though its attachment was deleted meanwhile."""
    recording = tmp_path / "Grüße an 7.wav"
    recording.write_bytes(VOICE)
    server = MailServer()
    async with server.listening() as port:
        office = Office(tmp_path, port=port)
        server.says = "451 busy,\ttry later"
        posted = await office.mail.post(
            letter(
                "Grüße\r\nBcc: x@y.z",
                text="…",
                attachments=[recording, recording],
                about={"mailbox": "100", "call": "c"},
            )
        )
        recording.unlink()
        assert await office.mail.send_due() == 30.0
        (kept,) = await office.waiting()
        assert (kept.attempts, kept.last_error, kept.about) == (
            1,
            f"{ADA}: 451 busy, try later",
            {"mailbox": "100", "call": "c"},
        )
        assert await office.pass_by(29) == 1.0
        assert (await office.waiting())[0].attempts == 1
        assert await office.pass_by(1) == 60.0
        server.says = ""
        assert await office.pass_by(60) is None
    ((recipients, message),) = server.taken
    attached = [
        (part.get_filename(), part.get_content_type(), part.get_content()) for part in message.iter_attachments()
    ]
    assert attached == [("Grüße an 7.wav", "audio/x-wav", VOICE)] * 2
    assert (recipients, message["Subject"]) == ([ADA], "Grüße Bcc: x@y.z")
    assert message["Message-ID"] == f"<{posted.id}@example.com>"
    assert office.told == [("mail_sent", posted.subject, "")]
    details = {"to": [ADA], "mailbox": "100"}
    assert office.kept == [("c", "mail posted", details), ("c", "mail sent", details)]
    assert list((tmp_path / "outbox").iterdir()) == []


async def test_each_recipient_is_dealt_with(tmp_path: Path) -> None:
    """Whoever got it gets it once; who is refused for good is told of, when the last one is settled."""
    server = MailServer()
    server.refuses = {EVE: "550 nobody", BOB: "450 full"}
    async with server.listening() as port:
        office = Office(tmp_path, port=port)
        await office.mail.post(letter("one", ADA, BOB, EVE))
        await office.mail.post(letter("two", EVE, about={"call": "c"}))
        assert await office.mail.send_due() == 30.0
        assert office.told == [("mail_failed", "two", f"{EVE}: 550 nobody")]
        failed = {"to": [EVE], "reason": f"{EVE}: 550 nobody"}
        assert office.kept == [("c", "mail posted", {"to": [EVE]}), ("c", "mail failed", failed)]
        await office.restart()
        server.refuses = {}
        assert await office.mail.send_due() is None
        server.says = "554 spam"
        await office.mail.post(letter("three", ADA, BOB))
        assert await office.mail.send_due() is None
    assert [recipients for recipients, _ in server.taken] == [[ADA], [BOB]]
    assert office.told[1:] == [
        ("mail_failed", "one", f"{EVE}: 550 nobody"),
        ("mail_failed", "three", f"{ADA}: 554 spam; {BOB}: 554 spam"),
    ]
    assert office.mail.status.failed == 2


async def test_server_that_is_away(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """It is told of once; letters go as soon as it is back, and are given up after five days."""
    server = MailServer()
    async with server.listening() as port:
        pass
    office = Office(tmp_path, port=port)
    await office.mail.post(letter("old"))
    pauses = [await office.pass_by(seconds) for seconds in (0, 30, 60, 120, 240, 480, 960, 1920, 3600)]
    assert pauses[:2] == [30.0, 60.0]
    assert set(pauses[2:]) == {60.0}  # a look a minute, for clocks that are set
    assert (await office.waiting())[0].attempts == 9
    troubles = [line for line in log_lines if line["event"] == "letters wait for the mail server"]
    assert len(troubles) == 1
    assert f"the mail server 127.0.0.1:{port} cannot be used: " in office.mail.status.last_error
    office.now += timedelta(days=5)
    await office.mail.post(letter("young"))
    await office.mail.send_due()
    ((hook, subject, reason),) = office.told
    assert (hook, subject) == ("mail_failed", "old")
    assert "cannot be used" in reason
    async with server.listening(port=port):
        await office.mail.post(letter("last"))
        assert await office.mail.send_due() == 0.0  # it is back: all the others are due
        assert await office.mail.send_due() is None
    assert [message["Subject"] for _, message in server.taken] == ["last", "young"]
    assert (office.mail.status.sent, office.mail.status.last_error) == (2, "")


async def test_letter_that_the_server_cannot_bear(tmp_path: Path) -> None:
    """It keeps no other one waiting, and is not offered without a pause; nor is one that cannot be made."""
    server = MailServer()
    server.drops = True
    async with server.listening() as port:
        office = Office(tmp_path, port=port)
        await office.mail.post(letter("lost on the way"))
        assert await office.mail.send_due() == 30.0
        assert "was lost while it was given a letter" in office.mail.status.last_error
        server.drops, server.says = False, "451 later"
        (tmp_path / "voice.wav").write_bytes(VOICE)
        torn = await office.mail.post(letter("torn", attachments=[tmp_path / "voice.wav"]))
        torn.attachments[0].unlink()
        assert await office.pass_by(30) == 30.0
        server.says = ""
        assert await office.pass_by(60) == 60.0
    assert [message["Subject"] for _, message in server.taken] == ["lost on the way"]
    assert [each.id for each in await office.waiting()] == [torn.id]


async def test_no_password_is_given_to_a_stranger(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """A certificate that is not vouched for ends it; a wrong password is told of once, and tried again."""
    good, bad = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    good.issue_cert("127.0.0.1").configure_cert(context)
    trusted, stranger, password = tmp_path / "good.pem", tmp_path / "bad.pem", tmp_path / "password"
    good.cert_pem.write_to_path(str(trusted))
    bad.cert_pem.write_to_path(str(stranger))
    password.write_text("wrong-secret\n")
    server = MailServer()
    async with server.listening(context) as port:
        table = {"port": port, "security": "starttls", "user": "ada", "password_file": str(password)}
        office = Office(tmp_path, **table, ca_file=str(stranger))
        await office.mail.post(letter("secret"))
        await office.mail.send_due()
        assert "certificate verify failed" in office.mail.status.last_error
        office = Office(tmp_path, **table, ca_file=str(trusted))
        assert server.logins == 0
        await office.mail.send_due()
        await office.pass_by(60)
        assert "does not know [mail] user 'ada' by its password: 535" in office.mail.status.last_error
        with pytest.raises(MailError, match="does not know"):
            await send_test_letter(office.table, ADA)
        password.write_text("hush\n")
        await office.pass_by(120)
        assert await send_test_letter(office.table, BOB) == "250 taken as 2"
        server.refuses[BOB] = "550 nobody"
        with pytest.raises(MailError, match=f"refuses {BOB}: 550 nobody"):
            await send_test_letter(office.table, BOB)
        password.unlink()
        with pytest.raises(MailError, match=r"\[mail\] password_file .* cannot be read: No such file"):
            await send_test_letter(office.table, BOB)
    assert [message["Subject"] for _, message in server.taken] == ["secret", "A letter from ctportd"]
    assert sum(line["event"] == "letters wait for the mail server" for line in log_lines) == 2  # one each run
    assert not any(secret in str(log_lines) for secret in ("wrong-secret", "hush"))


async def test_crash_at_any_moment_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half posted or half removed is gone; what was taken at the very end comes twice, with one Message-ID."""
    server = MailServer()
    async with server.listening() as port:
        office = Office(tmp_path, port=port)
        voice = tmp_path / "voice.wav"
        voice.write_bytes(VOICE)
        await office.mail.post(letter("twice", attachments=[voice]))
        before = shutil.copytree(tmp_path / "outbox", tmp_path / "saved")
        await office.mail.send_due()
        shutil.copytree(
            before, tmp_path / "outbox", dirs_exist_ok=True
        )  # the crash: accepted, and not removed yet
        for left in ("1.new", "2.gone"):
            (tmp_path / "outbox" / left / "1").mkdir(parents=True)
        await office.restart()
        assert office.mail.status.waiting == 1
        running = asyncio.create_task(office.mail.run())
        await _until(lambda: len(server.taken) == 2)
        monkeypatch.setattr("pathlib.Path.hardlink_to", _on_another_disk)
        await office.mail.post(letter("wakes", attachments=[voice]))
        await _until(lambda: len(office.told) == 3)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert [message["Subject"] for _, message in server.taken] == ["twice", "twice", "wakes"]
    assert len({message["Message-ID"] for _, message in server.taken}) == 2
    assert [part.get_content() for _, message in server.taken for part in message.iter_attachments()] == [
        VOICE
    ] * 3
    assert list((tmp_path / "outbox").iterdir()) == []


async def test_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that cannot be kept is not taken in; one that cannot be noted is not offered twice to who has it."""
    server = MailServer()
    server.refuses = {BOB: "450 full"}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with server.listening() as port:
        office = Office(tmp_path, port=port)
        with pytest.raises(StorageError, match=r"the letter 'x' cannot be put into .*: No such file .*gone"):
            await office.mail.post(letter("x", attachments=[tmp_path / "gone.wav"]))
        assert list((tmp_path / "outbox").iterdir()) == []
        await office.mail.post(letter("y", ADA, BOB))
        with monkeypatch.context() as patch:
            patch.setattr("ctportd.calls.recordings.write_now", full)
            assert await office.mail.send_due() == 30.0
            await office.pass_by(30)
        assert [recipients for recipients, _ in server.taken] == [[ADA]]
        await office.mail.send_due()
        (kept,) = await office.waiting()
        assert (kept.waiting, kept.attempts) == ([BOB], 2)
        shutil.rmtree(tmp_path / "outbox" / kept.id)  # somebody does not want it sent
        assert await office.pass_by(60) is None
    with pytest.raises(MailError, match=r"set host and sender in \[mail\]"):
        await Office(tmp_path, host="").mail.post(letter("z"))


def _on_another_disk(*_: object) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await tick()


PLUGIN = """
from ctportd import Letter, hookimpl

@hookimpl
async def daemon_started(daemon):
    await daemon.mail.post(Letter(to=["ada@example.com"], subject="up", text="It is up."))
    await daemon.mail.post(Letter(to=["bob@example.com"], subject="busy"))

sent = []

@hookimpl
def mail_sent(letter):
    sent.append(letter.subject)
"""


async def test_daemon_sends_what_plugins_post(ctportd_line: Line) -> None:
    """The hook comes when the server has it; status and `outbox` show what waits, `mail` what the server says."""
    server = MailServer()
    server.refuses = {BOB: "450 \x1b[2Jfull"}
    async with server.listening() as port:
        table = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "phone@example.com"}
        house = await ctportd_line({1: []}, plugins={"writer": PLUGIN}, mail=table)
        await house.until(lambda: bool(house.daemon.mail.status.last_error))

        async def run(*arguments: str) -> str:
            command = ["--config", str(house.config_path), *arguments]
            ran = await asyncio.to_thread(CliRunner().invoke, program, command, prog_name="ctportd")
            assert ran.exit_code == 0, ran.output
            return ran.stdout

        status, shown, outbox, tried = [
            await run(*command)
            for command in (("status", "--json"), ("status",), ("outbox", "--json"), ("mail", ADA))
        ]
        assert json.loads(status)["mail"] == {
            "waiting": 1,
            "sent": 1,
            "failed": 0,
            "last_error": f"{BOB}: 450 \x1b[2Jfull",
        }
        assert f"mail: letters waiting: 1; the last error: {BOB}: 450 \ufffd[2Jfull\n" in shown
        listed = [(each["subject"], each["waiting"], each["attempts"]) for each in json.loads(outbox)]
        assert listed == [("busy", [BOB], 1)]
        assert tried == "ctportd: the mail server has accepted the letter: 250 taken as 2\n"
        sent = house.plugin("writer").sent
        assert sent == ["up"]
        server.refuses = {}
        await house.until(lambda: len(sent) == 2)  # half a minute later
    assert [message["Subject"] for _, message in server.taken] == ["up", "A letter from ctportd", "busy"]


HANDLERS = """
from ctportd import Verdict, hookimpl

@hookimpl
def screen_caller(caller):
    return Verdict("blocked", rule="a pest") if caller.number == "666" else None

@hookimpl
async def answer_call(call):
    if call.caller.name != "Ada":
        await call.answer()
"""


async def test_calls_are_mailed(ctportd_line: Line) -> None:
    """Missed and blocked ones, with all that is known, and no more of them than are wanted in an hour."""
    server = MailServer()
    async with server.listening() as port:
        table = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "phone@example.com"}
        settings = {"call_mail": {"to": [ADA, BOB], "calls": ["missed", "blocked"], "hourly": 2}}
        plugins: dict[str, str | Path] = {"call_mail": ROOT / "plugins" / "call_mail.py", "answers": HANDLERS}
        house = await ctportd_line({1: ["answers"]}, plugins=plugins, settings=settings, mail=table)
        for caller in (("5550101", "Grace"), ("5550100", "Ada"), ("666", ""), ("5550102", "Ada")):
            phone = await house.call(number=caller[0], name=caller[1], rings=3)
            await phone.ended()
            await house.idle()
        await house.until(lambda: len(server.taken) == 2 and not house.daemon.mail.status.waiting)
        assert any(line["event"].startswith("a call is not mailed: there were too many") for line in house.log)
        letters = [line["about"]["call"] for line in house.log if line["event"] == "letter"]
        steps = [step.kind for call in letters for step in await house.store.steps(call)]
    subjects = [message["Subject"] for _, message in server.taken]
    assert subjects == ["Missed call from Ada 5550100", "Blocked call from 666"]
    assert [steps.count(kind) for kind in ("mail posted", "mail sent")] == [2, 2]
    (recipients, missed), (_, blocked) = server.taken
    assert recipients == [ADA, BOB]
    assert "nobody answered" in missed.get_content()
    assert "Rule:    a pest" in blocked.get_content()
