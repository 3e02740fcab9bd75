"""Every prompt that callers may hear, and which of them are missing, in which language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import Problem, PromptNotFound

from .actions import read_action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd import Site

    from .hours import Hours
    from .settings import Menu, Settings


_SHOWN = 8  # prompts of a language that are named

_CONNECTING = {"transferring", "busy", "no-answer", "aa-declined"}
_SAID = {
    "transfer": _CONNECTING,
    "station": _CONNECTING,
    "names": {"aa-names", "aa-names-none", "aa-names-more", "aa-names-again", "for", "press", "extension"},
    "override": {"aa-now-open", "aa-now-closed", "aa-now-holiday", "aa-override", "aa-how-long"},
}
_TO_ADMIT = {"aa-enter-pin", "aa-wrong-pin", "aa-locked"}
"""What is said by itself where something is done, and where a PIN is asked for."""


def prompts(settings: Settings, site: Site, table: str) -> Iterator[Problem]:
    """Prompts that are in no folder, and those that a language lacks. Looks at the disk."""
    languages = sorted(languages_of(settings))
    lacking: dict[str, set[str]] = {language: set() for language in languages}
    for where, name in prompts_of(settings):
        try:
            site.prompts.find(name)
        except PromptNotFound:
            yield Problem(f"[{table}{where}", f"there is no prompt {name!r} in any of the folders of prompts")
            continue
        for language in languages:
            if site.prompts.find(name, language).parent.name != language:
                lacking[language].add(name)
    for language, names in ((language, sorted(missing)) for language, missing in lacking.items()):
        if names:
            shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else "")
            what = f"the language {language!r} lacks {shown}: the plain ones are played"
            yield Problem(f"[{table}]", what, serious=False)


def languages_of(settings: Settings) -> set[str]:
    """The languages that callers can choose."""
    found: set[str] = set()
    for place in settings.places():
        action = read_action(place.action)
        if action.verb == "language":
            found.add(action.what)
        if place.way is not None and place.way.language:
            found.add(place.way.language)
    return found


def prompts_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every prompt that may be played, one by one, with the rest of the table's name and the key that names it."""
    yield from (("]", prompt) for prompt in sorted(_own(settings)))
    for name, menu in settings.menus.items():
        named = {"prompt": menu.prompt, "again": menu.again, "invalid": menu.invalid, "no_key": menu.no_key}
        for key, several in named.items():
            yield from ((f".menus.{name}] {key}", prompt) for prompt in several.split())
    for place in settings.places():
        action, where = read_action(place.action), f"{f'.{place.table}' if place.table else ''}] {place.key}"
        if action.verb == "play":
            yield from ((where, prompt) for prompt in action.what.split())
        if place.way is not None and place.way.say:
            yield from ((where, prompt) for prompt in place.way.say.split())


def _own(settings: Settings) -> set[str]:
    """What the attendant says by itself, in these menus."""
    verbs = {read_action(place.action).verb for place in settings.places()}
    guarded: list[Menu | Hours] = [*settings.menus.values(), *settings.hours.values()]
    said = {"goodbye"}.union(*(_SAID[verb] for verb in verbs if verb in _SAID))
    return said | _TO_ADMIT if any(table.pin for table in guarded) else said
