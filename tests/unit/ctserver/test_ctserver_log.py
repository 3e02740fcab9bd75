"""The server's log, where the disk does not take it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.ctserver import signalling
from ctportd.ctserver.log import RolledTooOften, ServerLog

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_log_on_a_full_disk_harms_nobody() -> None:
    """Lines are lost and counted; the server stops in order all the same."""
    log = ServerLog(Path("/dev/full"))
    for _ in range(3):
        log.logger.info("lost")
    log._thread.submit(lambda: None).result()
    assert log._lost >= 1
    log.logger.info("lost, too")
    log.close()


class Written:
    """A log with a clock that the test turns."""

    def __init__(self, path: Path) -> None:
        self.now = 100.0
        self.path = path
        self.log = ServerLog(path, clock=lambda: self.now)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What stands in it."""
        self.log._thread.submit(lambda: None).result()
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """A log."""
    written = Written(tmp_path / "x.log")
    yield written
    written.log.close()


def test_complaints_do_not_fill_the_log(written: Written) -> None:
    """Twenty of a kind a minute; the first after that tells how many were left out. Calls are told all the same."""
    logger = written.log.logger
    for number in range(1000):
        logger.warning("refused", number=number)
        logger.info("event")
    logger.warning("other")
    written.now += 60
    logger.warning("refused", number=-1)
    logger.warning("refused", number=-2)
    refused = [line for line in written.lines if line["event"] == "refused"]
    assert [line["number"] for line in refused] == [*range(20), -1, -2]
    assert [line.get("left_out") for line in refused[20:]] == [980, None]
    assert [line["event"] for line in written.lines].count("event") == 1000
    assert [line["event"] for line in written.lines].count("other") == 1


def test_what_strangers_say_is_cut(written: Written) -> None:
    """But not what a fault of ours has to tell."""
    written.log.logger.warning("x", origin="o" * 5000, words=("w" * 5000, 3), problem="p" * 5000)
    written.log.logger.error("y", exc_info=ValueError("e" * 500))
    told, fault = written.lines
    assert (told["origin"], told["words"], told["problem"]) == ("o" * 200, ["w" * 200, 3], "p" * 1000)
    assert "e" * 500 in fault["exception"]


async def test_log_is_not_rolled_without_end(written: Written) -> None:
    """Each time makes a file: four of them a minute."""
    for _ in range(4):
        await written.log.roll()
    with pytest.raises(RolledTooOften, match=r"x\.log was put aside 4 times"):
        await written.log.roll()
    written.now += 60
    await written.log.roll()
    assert len(list(written.path.parent.iterdir())) == 6


def test_nested_message_of_a_telephone_is_nonsense() -> None:
    """As all that a telephone says wrong, it is a ValueError."""
    with pytest.raises(ValueError, match="nested too deeply"):
        signalling.read('{"type": "flash", "x": ' + "[" * 4000)
