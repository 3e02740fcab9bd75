"""The command line: parses, calls, prints.

Commands import what they need when they run, so that ``ctportd --help`` need not wait for a database and a web server.
"""

from ctportd.cli import calls, configuring, mailing, messages, operating, phoning, plugins, watching
from ctportd.cli.program import main, program

__all__ = [
    "calls",
    "configuring",
    "mailing",
    "main",
    "messages",
    "operating",
    "phoning",
    "plugins",
    "program",
    "watching",
]
