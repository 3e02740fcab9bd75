"""An owner hears messages, deletes them, and puts them into folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctportd import INBOX, OLD, TRASH, AudioError, PromptNotFound, StorageError, StoreError

from .announcing import counted
from .asking import choose
from .envelope import envelope
from .keys import FOLDERS, PLAYING, Action
from .reading import FOLDER_OF, Reading, folder_prompt
from .seeking import play_seekable
from .visit import log

if TYPE_CHECKING:
    from ctportd import Daemon, VoiceMessage

    from .visit import Visit


async def begin(visit: Visit) -> None:
    """Hear the new messages; where there are none, the old ones."""
    await _open(visit, INBOX)
    if not len(visit.reading):
        await _open(visit, OLD)
    await hear(visit)


async def _open(visit: Visit, folder: str) -> None:
    visit.reading = Reading(folder, await visit.daemon.messages.of(visit.box.number, folder))


async def change_folder(visit: Visit) -> None:
    """Choose a folder, and hear what is in it."""
    chosen = await choose(visit.call, FOLDERS)
    if chosen is Action.BACK:
        return
    folder = FOLDER_OF[chosen]
    await _open(visit, folder)
    await visit.call.play(folder_prompt(folder), *counted(len(visit.reading)))
    await hear(visit)


async def hear(visit: Visit) -> None:
    """Play the message that the owner is at, after what stands on its envelope."""
    call, message = visit.call, visit.reading.current
    if message is None:
        await call.play("vm-folder-empty")
        return
    if await call.play(*visit.reading.position(), *await envelope_of(visit, message)):
        key = await call.collect(1, first=1)
        if key not in PLAYING.actions():  # the owner does not want to hear it
            visit.key = key
            return
    try:
        visit.key = await play_seekable(call, Path(message.path), visit.drafts)
    except (AudioError, PromptNotFound) as error:  # a file that somebody has removed by hand, a full disk
        log.error("a message cannot be played", id=message.id, error=str(error))
        await call.play("vm-cannot-play")
        return
    if not message.heard:
        visit.reading.put(await visit.daemon.messages.update(message, heard=True))


async def envelope_of(visit: Visit, message: VoiceMessage) -> list[str]:
    """What stands on a message's envelope, as prompts."""
    name = await visit.name_of(message.number)
    return envelope(message, visit.box.zone, visit.daemon.clock.now(), name)


async def tell_envelope(visit: Visit) -> None:
    """Say it once more."""
    message = visit.reading.current
    await visit.call.play(*(await envelope_of(visit, message) if message else visit.reading.position()))


async def go_on(visit: Visit) -> None:
    """Hear the next message."""
    if visit.reading.move(1):
        await hear(visit)
    else:
        await visit.call.play("vm-no-more")


async def go_back(visit: Visit) -> None:
    """Hear the previous message."""
    if visit.reading.move(-1):
        await hear(visit)
    else:
        await visit.call.play("vm-no-previous")


async def delete(visit: Visit) -> None:
    """Put the message into the trash."""
    if visit.reading.current is not None:
        visit.reading.put(await visit.daemon.messages.discard(visit.reading.current))
        await visit.call.play("vm-deleted")


async def restore(visit: Visit) -> None:
    """Take it out again."""
    if visit.reading.current is not None:
        visit.reading.put(await visit.daemon.messages.restore(visit.reading.current))
        await visit.call.play("vm-undeleted")


async def save(visit: Visit) -> None:
    """Put the message into a folder. What is put among the new ones is new again."""
    message = visit.reading.current
    chosen = await choose(visit.call, FOLDERS, hidden={Action.TRASH})
    if chosen is Action.BACK or message is None:
        return
    folder = FOLDER_OF[chosen]
    if folder == TRASH:
        await delete(visit)
        return
    heard = folder != INBOX
    visit.reading.put(await visit.daemon.messages.update(message, folder=folder, heard=heard))
    await visit.call.play("vm-saved", folder_prompt(folder))


async def leave(daemon: Daemon, mailbox: str) -> None:
    """The owner goes: what was heard is no new mail any more. What cannot be filed now is when he goes next time."""
    try:
        for message in await daemon.messages.of(mailbox, INBOX):
            if message.heard:
                await daemon.messages.update(message, folder=OLD)
    except (StorageError, StoreError) as error:
        log.warning("messages that were heard are filed later", mailbox=mailbox, error=str(error))
