"""Runs the steps of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.errors import PhoneError
from ctportd.phone import sound
from ctportd.phone.steps import Hangup, Press, Say, Until, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.ctserver.sounds import Sound
    from ctportd.phone.client import Phone
    from ctportd.phone.steps import Step


class Script:
    """The steps of one call, run once.

    Steps begin when the call is answered. Only where nothing but waits stands before a ``hangup`` do they run from
    the first ring: ``wait 12 hangup`` is a caller who does not wait to be answered.

    Attributes:
        left: The steps that are not done yet.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.left = list(steps)
        self._sounds: dict[str, Sound] = {}

    async def prepare(self) -> None:
        """Read the sound files, so that a mistake in one shows before anybody's telephone rings.

        Raises:
            AudioError: One cannot be read.
        """
        self._sounds = await sound.load_files([step.file for step in self.left if isinstance(step, Say)])

    async def run(self, phone: Phone) -> None:
        """Do the steps, then stay on the line until the call is over.

        Raises:
            PhoneError: Nobody answered, or the call ended before the steps did.
        """
        if self._is_for_a_ringing_line:
            await phone.ringing()
        else:
            await phone.answered()
        while self.left:
            await self._do(phone, self.left[0])
            del self.left[0]
        await phone.ended()

    @property
    def _is_for_a_ringing_line(self) -> bool:
        return self.left[-1:] == [Hangup()] and all(isinstance(step, Wait) for step in self.left[:-1])

    async def _do(self, phone: Phone, step: Step) -> None:
        match step:
            case Wait(seconds=seconds):
                await phone.wait(seconds)
            case Until(prompt=prompt):
                await phone.until(prompt)
            case Press(keys=keys):
                await phone.press(keys)
            case Say(file=file):
                await phone.say(self._sounds[file])
            case Hangup():
                if phone.end:
                    raise PhoneError(f"hangup: the call is over: {phone.end.sentence}")
                await phone.hangup()
