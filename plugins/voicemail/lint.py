"""What is probably not meant in the settings, before a caller finds it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import Problem, PromptNotFound

from .boxes import KINDS, Box
from .changes import Changes
from .settings import Settings
from .targets import read_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd import Site

    from .settings import Mailbox, Rules

_TABLE = "[plugins.voicemail]"
_PLUGIN = "voicemail"
_UNSET = Settings().mailbox


def problems(settings: Settings, site: Site) -> Iterator[Problem]:
    """All of them, those of all mailboxes first."""
    yield from _of_rules(_TABLE, settings, site)
    if settings.mailboxes and settings.mailbox not in {
        _UNSET,
        *settings.mailboxes,
    }:  # a handler without one is told
        what = (
            f"{settings.mailbox} has no table, so nobody hears the messages of callers who are sent to no mailbox"
        )
        yield Problem(f"{_TABLE} mailbox", what, serious=False)
    for number, table in settings.mailboxes.items():
        where = f"[plugins.voicemail.mailboxes.{number}]"
        yield from _of_rules(where, settings.rules_of(number), site, said=_said(table))
        yield from _of_mailbox(where, number, settings, site)
        yield from _of_mail(where, table, settings.rules_of(number), site)


def _said(table: Mailbox) -> set[str]:
    """The keys that a mailbox's own table has; the others' mistakes are told of once."""
    return {name for name in table.__struct_fields__ if getattr(table, name) is not None}


def _of_rules(where: str, rules: Rules, site: Site, said: set[str] | None = None) -> Iterator[Problem]:
    found = (*_of_prompts(rules, site), *_of_numbers(rules), *_of_operator(rules, site), *_of_dialling(rules))
    for key, what, serious in found:
        if said is None or key in said:
            yield Problem(f"{where} {key}", what, serious)


def _of_prompts(rules: Rules, site: Site) -> Iterator[tuple[str, str, bool]]:
    wanted = {"greeting": [rules.greeting] if rules.greeting else []}
    wanted["greetings_by_class"] = [name for name in rules.greetings_by_class.values() if name not in KINDS]
    for key, prompts in wanted.items():
        for prompt in prompts:
            try:
                site.prompts.find_all([prompt])
            except PromptNotFound as error:
                yield key, str(error), True


def _of_numbers(rules: Rules) -> Iterator[tuple[str, str, bool]]:
    if rules.shortest > rules.longest:
        yield (
            "shortest",
            f"{rules.shortest} s is more than longest, {rules.longest} s: no message can be left",
            True,
        )
    if rules.most_seconds and rules.most_seconds < max(rules.shortest, 1):
        yield "most_seconds", f"{rules.most_seconds} s is less than shortest: no message can be left", True
    latest = max(rules.rings, *rules.rings_by_class.values()) if rules.rings_by_class else rules.rings
    if rules.toll_saver and rules.toll_saver >= latest:
        yield (
            "toll_saver",
            f"{rules.toll_saver} rings are no fewer than rings, {latest}: it saves nobody a toll",
            False,
        )


def _of_operator(rules: Rules, site: Site) -> Iterator[tuple[str, str, bool]]:
    wrong = site.check_handler(rules.operator) if rules.operator else ""
    if wrong:
        yield "operator", wrong, True


def _of_dialling(rules: Rules) -> Iterator[tuple[str, str, bool]]:
    if rules.dial_out and not rules.dial_prefixes:
        yield "dial_out", "lets whoever has the PIN call any number, at your expense: set dial_prefixes", False


def _of_mailbox(where: str, number: str, settings: Settings, site: Site) -> Iterator[Problem]:
    table, rules = settings.mailboxes[number], settings.rules_of(number)
    if not table.pin and not table.emails:
        yield Problem(f"{where} pin", "is missing, and so is email: nobody hears the messages", serious=False)
    if rules.first_use and not table.pin:
        yield Problem(f"{where} first_use", "asks for a set-up, but without a pin no owner is let in to do it")
    circle = _circle(number, settings)
    if circle:
        yield Problem(
            f"{where} operator", f"leads back: {' > '.join(circle)}; a caller would never reach a person"
        )
    box = Box(number, settings, site, Changes())
    for kind, greeting in rules.greetings_by_class.items():
        if greeting in KINDS and box.greeting_file(greeting) is None:
            what = f"greeting {greeting} of callers that are {kind} is not recorded yet: they hear the usual one"
            yield Problem(f"{where} greetings_by_class", what, serious=False)


def _circle(number: str, settings: Settings) -> list[str]:
    """The way from a mailbox to its operator, and to that one's, where it comes back to it; empty where it does not."""
    way = [number]
    while True:
        name, _, target = settings.rules_of(way[-1]).operator.partition(":")
        if name != _PLUGIN:
            return []
        asked = read_target(target, settings)
        if asked.owner:
            return []
        way.append(asked.mailbox)
        if asked.mailbox in way[:-1]:
            return [f"mailbox {each}" for each in way] if asked.mailbox == number else []


def _of_mail(where: str, table: Mailbox, rules: Rules, site: Site) -> Iterator[Problem]:
    if table.emails:
        if not site.mails:
            yield Problem(f"{where} email", "asks for mail, but [mail] host is not set: nothing would be sent")
        if rules.delete_after_mail and not rules.attach:
            what = "deletes messages after mails that do not have them attached: set attach, or nobody hears them"
            yield Problem(f"{where} delete_after_mail", what)
        return
    for key in ("delete_after_mail", "attach", "mail_template"):
        if getattr(table, key):
            yield Problem(f"{where} {key}", "asks for mail, but the mailbox has no email")
