"""The plugins and tests of README.md, docs/plugins.md, docs/mail.md and docs/testing.md do what the pages say."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from support.documents import code_blocks

from ctportd.calls.caller import Caller
from ctportd.showing.explaining import explain_call

if TYPE_CHECKING:
    import pytest

    from ctportd.testing import Line

VOICEMAIL = {"mailboxes": {"204": {"name": "Ada", "email": "ada@example.com"}}}


def plugin_with(word: str, document: str = "docs/plugins.md") -> str:
    """The plugin of a page in which this word is."""
    (found,) = [block for block in code_blocks(document, "python") if word in block]
    return found


async def test_readme_answers(ctportd_line: Line) -> None:
    """The plugin on the README's first screen says hello, and the key that was pressed."""
    (hello,) = code_blocks("README.md", "python")
    assert len(hello.strip().splitlines()) <= 10
    house = await ctportd_line({1: ["hello"]}, plugins={"hello": hello})
    phone = await house.call()
    await phone.hear("hello")
    await phone.press("5")
    await phone.ended()
    assert phone.heard == ["hello", "5"]


async def test_keys_are_told(ctportd_line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """The one that watches events tells of a key, and the one with a greeting plays that of its settings."""
    plugins: list[Any] = [
        {"watcher": plugin_with("Dtmf"), "greeter": plugin_with('greeting: str = "hello"\n\n\n@hookimpl')}
    ]
    house = await ctportd_line({1: ["greeter"]}, plugins=plugins, settings={"greeter": {"greeting": "welcome"}})
    phone = await house.call()
    await phone.hear_begin("welcome")
    await phone.press("7")
    await phone.ended()
    await house.idle()
    assert "port 1: somebody pressed 7" in capsys.readouterr().out


async def test_transfer_with_a_rescue(ctportd_line: Line) -> None:
    """Nobody answers at 204: the caller is told, and speaks to the mailbox; the database has counted the call."""
    plugins: list[Any] = [
        "plugins",
        {"transfers": plugin_with("try_transfer"), "greeter": plugin_with("store.get")},
    ]
    house = await ctportd_line({1: ["transfers"]}, plugins=plugins, settings={"voicemail": VOICEMAIL})
    set_of_204 = await house.subscribe("204")
    for times in (1, 2):
        phone = await house.call(1, number="5550100")
        await phone.hear("no-answer", "vm-leave-message")
        await phone.hang_up()
        await house.idle()
        assert await house.store.get("greeter", "5550100", int) == times
    assert not set_of_204.was_answered


async def test_answers_what_it_does(ctportd_line: Line) -> None:
    """The one that tells beforehand what it would do: explain, check and the call agree."""
    plugins = {"greeter": plugin_with("takes_all")}
    house = await ctportd_line({1: ["greeter:sales"], 2: ["greeter:nobody"]}, plugins=plugins,
                               settings={"greeter": {"numbers": {"sales": "204"}}}, expect_faults=True)  # fmt: skip
    told = await explain_call(house.daemon, "main:1", Caller("5550100"), house.clock.now(), ())
    assert told.handlers[0].lines == ["plays hello", "transfers 5550100 to 204"]
    phone = await house.call(1, number="5550100")
    await phone.hear("hello")
    await phone.hang_up()
    await house.idle()
    steps = [step for call in await house.store.call_ids() for step in await house.store.steps(call)]
    assert [step.details for step in steps if step.kind == "sent on"] == [{"to": "sales"}]
    nobody = await explain_call(house.daemon, "main:2", Caller("5550100"), house.clock.now(), ())
    assert (nobody.handlers[0].outcome, nobody.handlers[0].lines) == (
        "lets the call pass",
        ["cannot have the call: nobody called 'nobody' is known: see [plugins.greeter] numbers"],
    )


async def test_letters_of_a_plugin(ctportd_line: Line) -> None:
    """The plugin of docs/mail.md has a letter written for each message."""
    plugins: list[Any] = ["plugins", {"letters": plugin_with("Letter(", "docs/mail.md")}]
    house = await ctportd_line(
        {1: ["voicemail:204"]}, plugins=plugins, settings={"voicemail": {"mailboxes": {"204": {"name": "Ada"}}}},
        mail={"host": "127.0.0.1", "port": 1, "sender": "phone@example.com", "security": "none"},
    )  # fmt: skip
    phone = await house.call(1, number="5550100", name="Grace Hopper")
    await phone.recorded()
    await phone.say(seconds=2)
    await phone.hang_up()
    await house.idle()
    await house.settle()
    assert (await house.status()).mail.waiting == 1


async def test_tests_of_the_page_on_testing(ctportd_line: Line) -> None:
    """The first block of docs/testing.md is a test that passes; the second waits for a server."""
    whole, part = code_blocks("docs/testing.md", "python")
    (hello,) = code_blocks("README.md", "python")

    async def with_hello(handlers: dict[int, list[str]]) -> Any:
        return await ctportd_line(handlers, plugins={"hello": hello})

    names: dict[str, Any] = {}
    exec(whole, names)
    await names["test_key_is_said"](with_hello)
    exec(f"async def waits(house, server):\n{textwrap.indent(part, '    ')}", names)

    class Server:
        asked = True

    await names["waits"](await ctportd_line({1: ["hello"]}, plugins={"hello": hello}), Server())
