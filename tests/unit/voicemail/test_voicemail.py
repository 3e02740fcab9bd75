"""What the voicemail decides: greeting, rings, room, what is old, what is wrong with the settings."""

from __future__ import annotations

import re
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.calls.caller import Caller
from ctportd.calls.verdict import Verdict
from ctportd.checking import convert
from ctportd.config import from_data
from ctportd.errors import ConfigError, PromptNotFound, StorageError, StoreError
from ctportd.hooks.inquiry import Inquiry
from ctportd.hooks.sources import PluginFile
from ctportd.pins.hashing import matches
from ctportd.records import INBOX, OLD, TRASH, Counts, VoiceMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parents[3] / "plugins" / "voicemail"
PLUGIN: Any = PluginFile(FOLDER / "__init__.py", "plugins_of_this_test").load("voicemail")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def part(name: str) -> Any:
    """A module of the plugin."""
    return sys.modules[f"{PLUGIN.__name__}.{name}"]


def settings_of(**table: Any) -> Any:
    """The settings of a table ``[plugins.voicemail]``."""
    return convert(table, PLUGIN.Settings, "c.toml", "plugins.voicemail")


def message(folder: str = INBOX, days: float = 0, *, mailbox: str = "100", **more: Any) -> VoiceMessage:
    """A message that has been in its folder for so many days."""
    path = f"/state/voicemail/{mailbox}/m.wav"
    filed = NOON - timedelta(days=days)
    return VoiceMessage(
        mailbox, "c", NOON - timedelta(days=400), 65.4, path, folder=folder, filed_at=filed, **more
    )


class Site:
    """An installation that does not run; it has no prompts but these, no mail server, and handlers that begin so."""

    def __init__(self, state: Path, messages: list[VoiceMessage] | None = None) -> None:
        self.state = state
        self.mails = False
        self.messages = messages
        self.store = SimpleNamespace(messages=self._messages)
        self.prompts = SimpleNamespace(find_all=self._find)

    async def _messages(self, _mailbox: str) -> list[VoiceMessage]:
        if self.messages is None:
            raise StoreError("there is no database yet")
        return self.messages

    @staticmethod
    def _find(names: list[str]) -> None:
        if names != ["hello"]:
            raise PromptNotFound(names[0], ("/prompts",))

    @staticmethod
    def check_handler(handler: str) -> str:
        """Know the attendant only."""
        known = handler.startswith(("auto_attendant", "voicemail"))
        return "" if known else f"there is no plugin {handler!r}"

    def record(self, *kinds: str, mailbox: str = "100") -> None:
        """Have greetings recorded."""
        folder = self.state / "voicemail" / mailbox / "greetings"
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            (folder / f"{kind}.wav").write_bytes(b"voice")

    @property
    def file(self) -> Path:
        """What the owner of mailbox 100 has changed."""
        return self.state / "voicemail" / "100" / "owner.json"

    def box(self, **table: Any) -> Any:
        """Mailbox 100 with this table; without one it is in none."""
        settings = settings_of(mailboxes={"100": table} if table else {})
        return part("boxes").Box("100", settings, self, part("changes").read(self.file))


# -- settings


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            {"zone": "Europe/Belin"},
            "[plugins.voicemail]: zone: there is no time zone 'Europe/Belin'; did you mean",
        ),
        (
            {"mailboxes": {"100": {"zone": "../x"}}},
            "[plugins.voicemail.mailboxes.100]: zone: there is no time zone '../x'",
        ),
        ({"mailboxes": {"100": {"pin": "4711"}}}, "[plugins.voicemail.mailboxes.100] pin: found '4711', expected"),
        ({"mailboxes": {"100": {"emial": "x"}}}, "there is no key 'emial'; did you mean 'email'?"),
        (
            {"mailboxes": {"100": {"email": "ada"}}},
            "[plugins.voicemail.mailboxes.100]: email: 'ada' is no address",
        ),
        ({"mailboxes": {"owner": {}}}, "[plugins.voicemail]: mailboxes: 'owner' can be no mailbox"),
        ({"mailboxes": {"1 0": {}}}, "mailboxes: '1 0' can be no mailbox: letters, digits, - and _ are expected"),
        (
            {"mail_template": {"text": "{who}"}},
            "[plugins.voicemail.mail_template]: text: has '{who}' where one of",
        ),
        ({"mail_template": {"subject": "a\nb"}}, "mail_template]: subject: has more than one line"),
        ({"rings_by_class": {"blocked": -1}}, "[plugins.voicemail.rings_by_class] blocked: found -1"),
        ({"pins": {"100": "x"}}, "[plugins.voicemail]: there is no key 'pins'"),
    ],
)
def test_mistakes_are_told_in_one_sentence(table: dict[str, Any], told: str) -> None:
    """Table, key, what was found, what was expected."""
    with pytest.raises(ConfigError) as raised:
        settings_of(**table)
    assert told in str(raised.value)


def test_mailbox_is_as_all_are_but_for_what_it_says() -> None:
    """What a mailbox's table leaves out is as the plugin's says, for those in no table, too."""
    settings = settings_of(
        longest=60, review=True, mailboxes={"100": {"longest": 30, "review": False, "zone": "UTC"}}
    )
    own, other = settings.rules_of("100"), settings.rules_of("x")
    assert (own.longest, own.review, own.zone, own.silence) == (30, False, "UTC", 8)
    assert (other.longest, other.review, other.zone) == (60, True, "")
    assert settings_of(mailboxes={"1": {"email": "a@b.c"}}).mailboxes["1"].emails == ["a@b.c"]
    assert settings_of(mailboxes={"1": {"email": ["a@b.c", "d@e"]}}).mailboxes["1"].emails == ["a@b.c", "d@e"]


def test_examples_of_the_guide_are_good(tmp_path: Path) -> None:
    """Each block of docs/voicemail.md loads, the office has nothing to be told of, and every key is in the guide."""
    guide = (FOLDER.parents[1] / "docs" / "voicemail.md").read_text()
    blocks = [
        tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    ]
    assert len(blocks) == 3
    for block in blocks:
        settings = settings_of(**block["plugins"]["voicemail"])
        from_data(block | {"ctserver": [{}]}, "the guide")
        site = Site(tmp_path)
        site.mails = "mail" in block
        assert [problem for problem in PLUGIN.check_settings(settings, site) if problem.serious] == []
    _, keys = guide.split("## All keys")
    told = set(
        re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in keys.splitlines() if row.startswith("|")))
    )
    assert told == {*PLUGIN.Settings.__struct_fields__, *part("settings").Mailbox.__struct_fields__} - {
        "mailboxes"
    }


# -- greetings


@pytest.mark.parametrize(
    ("recorded", "table", "kind", "busy", "prompts", "why"),
    [
        ("", {}, "screened", False, "vm-intro", "without a table"),
        ("", {"name": "Ada"}, "screened", False, "vm-mailbox 1 0 0 vm-not-available vm-leave-message", "number"),
        ("name", {"name": "Ada"}, "screened", True, "name vm-on-the-phone vm-leave-message", "recorded name"),
        (
            "",
            {"operator": "x"},
            "screened",
            True,
            "vm-mailbox 1 0 0 vm-on-the-phone vm-leave-message vm-press-zero",
            "",
        ),
        ("", {"greeting": "hello"}, "screened", True, "hello", "configuration"),
        ("unavailable", {"greeting": "hello"}, "screened", True, "unavailable", "the unavailable greeting"),
        ("unavailable busy", {"greeting": "hello"}, "screened", True, "busy", "the busy greeting"),
        ("unavailable busy", {"greeting": "hello"}, "screened", False, "unavailable", "the unavailable greeting"),
        ("busy 2", {"greetings_by_class": {"blocked": "2"}}, "blocked", True, "2", "callers that are blocked"),
        ("busy", {"greetings_by_class": {"blocked": "2"}}, "blocked", True, "busy", "the busy greeting"),
        (
            "busy 2",
            {"greetings_by_class": {"blocked": "hello"}},
            "blocked",
            True,
            "hello",
            "callers that are blocked",
        ),
        ("busy 2 temporary", {"greetings_by_class": {"blocked": "2"}}, "blocked", True, "temporary", "wins"),
    ],
)
def test_greeting(
    tmp_path: Path, recorded: str, table: Mapping[str, Any], kind: str, *, busy: bool, prompts: str, why: str
) -> None:
    """The temporary one, else the class's, else the busy one, the owner's, the configuration's, and at last none."""
    site = Site(tmp_path)
    site.record(*recorded.split())
    greeting = part("greetings").choose(site.box(**table), kind, busy=busy)
    assert [Path(prompt).stem for prompt in greeting.prompts] == prompts.split()
    assert why in greeting.why


def test_chosen_greeting(tmp_path: Path) -> None:
    """One of several that are numbered; where it is not recorded, the usual one."""
    site = Site(tmp_path)
    part("changes").change(site.file, greeting="3")
    site.record("unavailable")
    assert part("greetings").choose(site.box(name="Ada"), "screened").prompts[0].endswith("unavailable.wav")
    site.record("3")
    assert part("greetings").choose(site.box(name="Ada"), "screened").why == "greeting 3, chosen by the owner"


async def test_changes_of_an_owner(tmp_path: Path, pin: str) -> None:
    """An owner on two lines loses none of them; a file that nobody can read lets no old PIN in."""
    settings, site = settings_of(mailboxes={"100": {"pin": pin, "first_use": True}}), Site(tmp_path)
    open_box = part("boxes").open_box
    first, second = [await open_box("100", settings, site) for _ in range(2)]
    assert (first.pin_hash, first.chosen, first.set_up) == (pin, "unavailable", False)
    await first.set_pin("9071")
    await second.choose_greeting("2")
    await second.mark_set_up()
    now = await open_box("100", settings, site)
    assert matches("9071", now.pin_hash)
    assert (now.chosen, now.set_up, second.pin_hash) == ("2", True, now.pin_hash)
    site.file.write_bytes(b"{")
    with pytest.raises(StorageError, match=r"owner\.json does not say what an owner has changed: .*; remove it"):
        await open_box("100", settings, site)
    with pytest.raises(StorageError, match="does not say"):
        await first.mark_set_up()
    assert site.file.read_bytes() == b"{"


# -- rings, room, age


@pytest.mark.parametrize(
    ("kind", "new", "rings", "why"),
    [
        ("screened", 0, 5, "rings"),
        ("screened", 2, 3, "toll_saver, since there are new messages: 2"),
        ("permitted", 0, 7, "rings_by_class of callers that are permitted"),
        ("permitted", 1, 3, "toll_saver, since there are new messages: 1"),
        ("blocked", 1, 1, "rings_by_class of callers that are blocked"),
    ],
)
def test_rings_before_the_answer(kind: str, new: int, rings: int, why: str) -> None:
    """As for all, or for the class; fewer while there is something to hear, but never more."""
    rules = settings_of(rings=5, toll_saver=3, rings_by_class={"permitted": 7, "blocked": 1})
    patience = part("rings").before_answer(rules, kind, new)
    assert (patience.rings, patience.why) == (rings, why)
    assert part("rings").before_answer(settings_of(toll_saver=3), "screened", 1).rings == 0


@pytest.mark.parametrize(
    ("table", "counts", "full", "longest"),
    [
        ({}, Counts(500, 500, 9e9), "", 180),
        ({"most_messages": 3}, Counts(1, 1, 9e9), "", 180),
        ({"most_messages": 3}, Counts(1, 2), "it holds 3 messages of 3", 180),
        ({"most_seconds": 100}, Counts(1, 1, 60.5), "", 39),
        ({"most_seconds": 100, "longest": 20}, Counts(1, 1, 60.5), "", 20),
        ({"most_seconds": 100, "shortest": 3}, Counts(1, 1, 98.0), "it holds 98 seconds of 100", 2),
        ({"most_seconds": 100, "shortest": 0}, Counts(1, 1, 99.5), "it holds 100 seconds of 100", 1),
    ],
)
def test_room(table: dict[str, Any], counts: Counts, full: str, longest: int) -> None:
    """Messages and seconds are counted; the last one gets what is left."""
    quota = part("quota")
    assert quota.full(settings_of(**table), counts) == full
    assert quota.longest(settings_of(**table), counts) == longest


def test_old_messages() -> None:
    """Heard and deleted ones go after their time; new ones only where that is asked for; sorted ones never."""
    outdated = part("retention").outdated
    all_of_them = [message(folder, days) for folder in (INBOX, OLD, "Work", TRASH) for days in (29.9, 30.1, 300)]
    gone = [(m.folder, m.filed_at) for m in outdated(all_of_them, settings_of(), NOON)]
    assert {folder for folder, _ in gone} == {TRASH}
    assert len(gone) == 2
    kept = settings_of(keep_days=100, trash_days=0, mailboxes={"7": {"keep_new_days": 1}})
    assert [m.folder for m in outdated(all_of_them, kept, NOON)] == [OLD]
    assert len(outdated([message(INBOX, 2, mailbox="7"), message(INBOX, 0.5, mailbox="7")], kept, NOON)) == 1


# -- targets


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("", None),
        ("100", None),
        ("100:busy", None),
        ("owner", None),
        ("owner:100", None),
        ("1OO", "there is no mailbox '1OO' in [plugins.voicemail.mailboxes]; did you mean '100'?"),
        ("x", "there is no mailbox 'x' in [plugins.voicemail.mailboxes]; there are: 100, 200"),
        ("100:bsy", "'bsy' is not known behind a mailbox; 'busy' is"),
        ("owner:200", "mailbox 200 has no pin, so its owner is not let in"),
        ("owner:300", "there is no mailbox '300'"),
        ("1/2", "can be no mailbox"),
    ],
)
def test_target(target: str, told: str | None, pin: str) -> None:
    """What would surprise a caller is told with the nearest name."""
    problem = PLUGIN.check_target(target, settings_of(mailboxes={"100": {"pin": pin}, "200": {}}))
    assert problem is None if told is None else told in problem
    assert PLUGIN.takes_all()


def test_any_mailbox_will_do_where_none_has_a_table() -> None:
    """But an owner needs one."""
    assert PLUGIN.check_target("anything", settings_of()) is None
    assert "no owner is let in" in PLUGIN.check_target("owner", settings_of())


@pytest.fixture(scope="module")
def pin() -> str:
    """The hash of a PIN that nobody has to know."""
    return f"scrypt:32768:8:1:{'A' * 22}==:{'A' * 43}="


# -- lint


def test_what_would_disappoint_is_told(tmp_path: Path, pin: str) -> None:
    """Mail without an address or a server, prompts and greetings that are not there, operators that lead nowhere."""
    mailboxes = {
        "100": {
            "pin": pin,
            "email": "a@b.c",
            "delete_after_mail": True,
            "attach": False,
            "operator": "voicemail:200",
        },
        "200": {"attach": True, "greeting": "nowhere", "operator": "voicemail:100:busy", "first_use": True},
        "300": {
            "pin": pin,
            "operator": "nobody:1",
            "longest": 5,
            "shortest": 9,
            "greetings_by_class": {"blocked": "4"},
        },
        "400": {"pin": pin, "rings": 4, "toll_saver": 4, "most_seconds": 0, "dial_out": True},
    }
    settings = settings_of(mailbox="500", mailboxes=mailboxes)
    found = {
        problem.where: (problem.what, problem.serious)
        for problem in PLUGIN.check_settings(settings, Site(tmp_path))
    }
    table = "[plugins.voicemail.mailboxes."
    expected = {
        "[plugins.voicemail] mailbox": ("500 has no table", False),
        f"{table}100] email": ("[mail] host is not set", True),
        f"{table}100] delete_after_mail": ("do not have them attached", True),
        f"{table}100] operator": ("leads back: mailbox 100 > mailbox 200 > mailbox 100", True),
        f"{table}200] operator": ("leads back: mailbox 200 > mailbox 100 > mailbox 200", True),
        f"{table}200] attach": ("the mailbox has no email", True),
        f"{table}200] greeting": ("there is no prompt 'nowhere'", True),
        f"{table}200] pin": ("nobody hears the messages", False),
        f"{table}200] first_use": ("without a pin no owner is let in", True),
        f"{table}300] operator": ("there is no plugin 'nobody:1'", True),
        f"{table}300] shortest": ("9 s is more than longest, 5 s", True),
        f"{table}300] greetings_by_class": ("greeting 4 of callers that are blocked is not recorded yet", False),
        f"{table}400] toll_saver": ("no fewer than rings, 4", False),
        f"{table}400] dial_out": ("call any number, at your expense", False),
    }
    assert found.keys() == expected.keys()
    for where, (what, serious) in expected.items():
        assert what in found[where][0], where
        assert found[where][1] is serious, where


def test_what_is_well_is_not_told_of(tmp_path: Path, pin: str) -> None:
    """Also what all mailboxes share is told of once, where it stands."""
    site = Site(tmp_path)
    site.mails = True
    ada = {
        "pin": pin,
        "email": ["a@b.c"],
        "delete_after_mail": True,
        "operator": "auto_attendant:x",
        "greeting": "hello",
    }
    assert list(PLUGIN.check_settings(settings_of(mailboxes={"100": ada}), site)) == []
    (shared,) = PLUGIN.check_settings(settings_of(operator="nobody", mailboxes={"100": {"pin": pin}}), site)
    assert shared.where == "[plugins.voicemail] operator"


# -- explaining


async def test_explanation_comes_from_what_answers(tmp_path: Path) -> None:
    """Rings, greeting, room, and what becomes of the message."""
    inbox = [message(), message(TRASH), message(OLD)]
    table = {"name": "Ada", "rings": 6, "toll_saver": 2, "most_messages": 3, "email": "a@b.c", "human_test": True}
    settings = settings_of(mailboxes={"100": table})
    asked = Inquiry(Caller("5550100"), "main:1", NOON, Verdict("blocked"))
    site = Site(tmp_path, inbox)
    told = await PLUGIN.explain_call(asked, "100:busy", settings, site)
    assert told.takes
    assert told.lines == [
        "voicemail: mailbox 100 (Ada), new messages: 1, others: 1",
        "answers after 2 rings (toll_saver, since there are new messages: 1)",
        "asks for a key, 1, that no machine presses",
        "plays vm-mailbox 1 0 0 vm-on-the-phone vm-leave-message: the standard greeting with the mailbox's number",
        "records a message of 1 to 180 s",
        "mails it to a@b.c",
    ]
    inbox.append(message(heard=True))
    assert (await PLUGIN.explain_call(asked, "100", settings, site)).lines[2:] == [
        "plays vm-full: it holds 3 messages of 3"
    ]
    unknown = await PLUGIN.explain_call(asked, "7", settings, Site(tmp_path))
    assert unknown.lines[:3] == [
        "voicemail: mailbox 7, which has no table, new messages: 0, others: 0",
        "as far as is known: there is no database yet",
        "answers at once",
    ]
    owner = await PLUGIN.explain_call(asked, "owner:100", settings, site)
    assert owner.lines == ["voicemail: lets in the owner of mailbox 100 who knows the PIN"]


# -- mail


def test_mail_says_what_is_known(tmp_path: Path) -> None:
    """In the mailbox's own time zone; what a caller is called is not looked at for braces."""
    template = {"subject": "{name}: {duration}", "text": "{owner} {mailbox} {caller} {number} {when} {"}
    settings = settings_of(
        mail_template=template,
        attach=False,
        mailboxes={"100": {"email": "a@b.c", "zone": "Asia/Tokyo", "name": "Ada"}},
    )
    box = part("boxes").Box("100", settings, Site(tmp_path), part("changes").Changes())
    left = VoiceMessage("100", "c", NOON, 65.4, "/state/voicemail/100/m.wav", "555", "{owner}")
    letter = part("mailing").letter_of(box, left)
    assert letter.subject == "{owner}: 1:05"
    assert letter.text == "Ada 100 {owner} <555> 555 Monday, 23 November 2026 at 21:00 {"
    assert (letter.to, letter.attachments, letter.about) == (
        ["a@b.c"],
        [],
        {"mailbox": "100", "message": "m", "call": "c"},
    )
