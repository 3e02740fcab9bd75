"""Dialling by name: a few letters, then a choice of those who may be meant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd import speech

from .directory import CHOICES, ENOUGH, find, words

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd import Call, Daemon

    from .settings import Settings
    from .ways import Extension

TRIES = 3
"""How often letters are asked for."""

MORE, AGAIN = "9", "*"
"""The keys for further names, and for other letters."""

_WAIT = 6  # seconds for each letter
_MOST_LETTERS = 16


async def ask_name(call: Call, settings: Settings, daemon: Daemon) -> str:
    """Ask for a name until somebody is chosen; returns the extension, empty where nobody was."""
    for _ in range(TRIES):
        await call.play("aa-names")
        keys = await _letters(call)
        if not keys:
            return ""
        found = await asyncio.to_thread(find, settings.extensions, keys)
        number = await _choose(call, found, daemon.state)
        if number:
            return number
    return ""


async def _letters(call: Call) -> str:
    """Three letters, or what comes before ``#`` or a pause; empty for ``*`` or nothing."""
    keys = ""
    while (key := await call.collect(1, first=_WAIT)) and key != "#" and len(keys) < _MOST_LETTERS:
        if key == AGAIN:
            return ""
        keys += key
        if len(keys) == ENOUGH:
            break
    return keys


async def _choose(call: Call, people: dict[str, Extension], state: Path) -> str:
    """Read out the names, up to eight at a time, until one is chosen; returns the extension, empty where none is."""
    if not people:
        await call.play("aa-names-none")
        return ""
    numbers = list(people)
    first = 0
    while True:
        shown = numbers[first : first + CHOICES]
        choices = {str(index): number for index, number in enumerate(shown, 1)}
        names = await asyncio.to_thread(_all_spoken, [people[number] for number in shown], state)
        prompts = [part for key, name in zip(choices, names, strict=True) for part in ("for", *name, "press", key)]
        more = len(numbers) > CHOICES
        key = await call.menu(
            *prompts,
            *(["aa-names-more"] if more else []),
            "aa-names-again",
            keys=[*choices, AGAIN, *(MORE if more else "")],
        )
        if key in ("", AGAIN):
            return ""
        if key != MORE:
            return choices[key]
        first = first + CHOICES if first + CHOICES < len(numbers) else 0


def _all_spoken(people: list[Extension], state: Path) -> list[list[str]]:
    """The prompts that say each name. Looks at the disk."""
    return [_spoken(way, state) for way in people]


def _spoken(way: Extension, state: Path) -> list[str]:
    """A name as its owner has spoken it into the mailbox; else spelled."""
    recorded = state / "voicemail" / way.mailbox / "greetings" / "name.wav"
    if way.mailbox and recorded.is_file():
        return [str(recorded)]
    return speech.digits("".join(words(way.name)))
