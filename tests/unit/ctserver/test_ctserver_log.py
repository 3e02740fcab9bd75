"""The server's log, where the disk does not take it."""

from __future__ import annotations

from pathlib import Path

from ctportd.ctserver.log import ServerLog


def test_log_on_a_full_disk_harms_nobody() -> None:
    """Lines are lost and counted; the server stops in order all the same."""
    log = ServerLog(Path("/dev/full"))
    for _ in range(3):
        log.logger.info("lost")
    log._thread.submit(lambda: None).result()
    assert log._lost >= 1
    log.logger.info("lost, too")
    log.close()
