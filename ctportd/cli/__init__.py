"""The command line: parses, calls, prints.

Commands import what they need when they run, so that ``ctportd --help`` need not wait for a database and a web server.
"""

import ctportd.lean  # noqa: F401 - before all that takes structlog
from ctportd.cli import (
    calling,
    calls,
    completion,
    configuring,
    init,
    mailing,
    messages,
    operating,
    phoning,
    plugins,
    reloading,
    watching,
)
from ctportd.cli.program import main, program

__all__ = [
    "calling",
    "calls",
    "completion",
    "configuring",
    "init",
    "mailing",
    "main",
    "messages",
    "operating",
    "phoning",
    "plugins",
    "program",
    "reloading",
    "watching",
]
