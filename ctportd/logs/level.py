"""Which lines are written at all."""

from __future__ import annotations

import logging

import structlog


class Logger(structlog.make_filtering_bound_logger(logging.DEBUG)):  # type: ignore[misc]  # made at run time
    """What everybody logs with. One class for all, whose methods are changed with the level.

    So a logger that somebody has bound and keeps is of the new level at once, and a line that is dropped costs a call
    of a function that does nothing.
    """


def set_level(level: str) -> None:
    """Leave out what is below ``debug``, ``info``, ``warning`` or ``error`` from now on.

    Libraries are heard from ``warning`` up at most: at ``debug``, too, their chatter is left out.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    for name, method in vars(structlog.make_filtering_bound_logger(number)).items():
        if not name.startswith("__"):
            setattr(Logger, name, method)
    logging.getLogger().setLevel(max(number, logging.WARNING))
