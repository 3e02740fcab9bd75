"""Plugins are asked about calls that nobody makes, with a daemon and without one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ctportd.calls.caller import Caller
from ctportd.config import from_data
from ctportd.errors import PluginError, StoreError
from ctportd.hooks.inquiry import Explanation, Inquiry, Problem
from ctportd.hooks.questions import DEEPEST
from ctportd.site import ConfiguredSite, load_configured_plugins
from ctportd.store import Store

if TYPE_CHECKING:
    from pathlib import Path

INQUIRY = Inquiry(Caller("555"), "main:1", datetime(2026, 12, 25, 10, tzinfo=UTC))

GOOD = """
from ctportd import Explanation, Problem, hookimpl

@hookimpl
def answer_call(call): ...

@hookimpl
def check_target(target):
    return f"there is no {target}" if target == "nowhere" else None

@hookimpl
def takes_all(target):
    return target == "all"

@hookimpl
async def explain_call(inquiry, target, site):
    if target == "loop":
        inner = await site.explain("good:loop", inquiry)
        return Explanation(["hands over", *("  " + line for line in inner.lines)])
    return Explanation([f"{target} for {inquiry.caller}", site.handlers["main:1"][0]])

@hookimpl
def check_settings(settings, site):
    yield Problem("[plugins.good] x", site.check_handler("good:nowhere"), serious=False)
"""

BAD = """
from ctportd import Explanation, Problem, hookimpl

@hookimpl
def answer_call(call): ...

@hookimpl
async def check_target(target): ...

@hookimpl
def takes_all(target):
    raise KeyError(target)

@hookimpl
def explain_call(target):
    if target == "raises":
        raise KeyError(target)
    return {"none": None, "text": "what?", "odd": Explanation([1])}[target]

@hookimpl
def check_settings():
    return ["all is well"]
"""

PLAIN = "from ctportd import hookimpl\n\n@hookimpl\ndef answer_call(call): ...\n"


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ConfiguredSite]:
    """Two sites with three plugins, and a state folder that is not there yet: one that looks and one that writes."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    for name, text in {"good": GOOD, "bad": BAD, "plain": PLAIN}.items():
        (tmp_path / "plugins").mkdir(exist_ok=True)
        (tmp_path / "plugins" / f"{name}.py").write_text(text)
    tables = {
        "daemon": {"state": str(tmp_path / "state")},
        "plugins": {"directory": str(tmp_path / "plugins")},
        "port": [{"number": 1, "handlers": ["plain", "good"]}],
    }
    config = from_data(tables, "x.toml")
    plugins = load_configured_plugins(config)
    assert not plugins.failed
    return [ConfiguredSite(config, plugins, writable=writable) for writable in (False, True)]


@pytest.fixture
def site(sites: list[ConfiguredSite]) -> ConfiguredSite:
    """The one that looks."""
    return sites[0]


def test_handlers_are_checked(site: ConfiguredSite) -> None:
    """Its plugin must be there, and find nothing wrong with the target; a plugin that fails at that is told of."""
    problems = {
        handler: site.check_handler(handler) for handler in ("good", "plain:x", "good:nowhere", "goood", "bad:x")
    }
    assert problems == {
        "good": "",
        "plain:x": "",
        "good:nowhere": "there is no nowhere",
        "goood": "there is no plugin 'goood'; did you mean 'good'?",
        "bad:x": "the plugin 'bad' cannot say whether 'x' will do: "
        "its check_target raised TypeError: check_target is async def, and nothing waits for it",
    }


def test_who_takes_all_calls(site: ConfiguredSite) -> None:
    """Only who says so; one that fails to say it is told of."""
    questions = site.dispatcher.questions
    assert [questions.takes_all(handler) for handler in ("good:all", "good:some", "plain", "nobody")] == [
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(PluginError, match="plugin bad: its takes_all raised KeyError: 'x'"):
        questions.takes_all("bad:x")


async def test_calls_are_explained(site: ConfiguredSite) -> None:
    """As the plugin says; one that cannot say it, or says what is no explanation, may take the call."""
    assert await site.explain("good:x", INQUIRY) == Explanation(["x for 555", "plain"])
    assert await site.explain("good:nowhere", INQUIRY) == Explanation(
        ["cannot have the call: there is no nowhere"], takes=False
    )
    told = {
        target: await site.dispatcher.questions._explain("bad", target, INQUIRY)
        for target in ("raises", "text", "odd")
    }
    assert {(explanation.takes, explanation.sure) for explanation in told.values()} == {(False, False)}
    assert told["raises"].lines == ["it fails to tell what it would do: KeyError: 'raises'"]
    assert "it answered str, expected Explanation" in told["text"].lines[0]
    assert "holds what none can" in told["odd"].lines[0]
    assert (await site.explain("plain", INQUIRY)).lines == [
        "it does not tell what it would do: it has no explain_call"
    ]


async def test_endless_hand_over_comes_to_an_end(site: ConfiguredSite) -> None:
    """Two plugins, or one, that would hand a call to and fro are explained so deep and no deeper."""
    explained = await site.explain("good:loop", INQUIRY)
    assert len(explained.lines) == DEEPEST + 1
    assert explained.lines[-1].startswith(DEEPEST * "  " + "and so on")


async def test_settings_are_checked(site: ConfiguredSite) -> None:
    """What plugins find; one that returns what is no problem has one."""
    problems = await site.dispatcher.questions.problems()
    assert problems == [
        Problem(
            "[plugins.bad]",
            "the plugin cannot check its settings: TypeError: it answered str, expected Problem",
            serious=False,
        ),
        Problem("[plugins.good] x", "there is no nowhere", serious=False),
    ]


async def test_store_is_empty_until_there_is_one(sites: list[ConfiguredSite], tmp_path: Path) -> None:
    """Without a database all is empty, and nothing is made; with one it is read, and written to only by commands."""
    looking, writing = sites
    async with looking:
        assert await looking.store.get("family", "key", int) is None
        assert await looking.store.calls() == []
        with pytest.raises(StoreError, match="there is no"):
            await looking.store.put("family", "key", 1)
    assert not (tmp_path / "state").exists()
    (tmp_path / "state").mkdir()
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'state' / 'ctportd.db'}")
    await store.open()
    await store.put("family", "key", 7)
    async with looking, writing:
        assert await looking.store.get("family", "key", int) == 7
        with pytest.raises(StoreError, match="readonly"):
            await looking.store.put("family", "key", 8)
        await writing.store.put("family", "key", 9)
        assert await looking.store.family("family", int) == {"key": 9}
    await store.close()
    with closing(sqlite3.connect(tmp_path / "state" / "ctportd.db")) as earlier:
        earlier.execute("DROP TABLE plugin_values")
    async with looking:
        assert await looking.store.family("family", int) == {}
