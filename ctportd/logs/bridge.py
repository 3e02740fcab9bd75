"""Lines of libraries that use the standard library's logging."""

from __future__ import annotations

import logging

import structlog


class Bridge(logging.Handler):
    """Passes them on to our log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on. Levels in between count as the one below: structlog knows no others."""
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        try:
            message = record.getMessage()
        except (TypeError, ValueError) as error:
            message = f"{record.msg} (its arguments do not fit: {error})"
        structlog.get_logger().log(level, message, logger=record.name, exc_info=record.exc_info)
