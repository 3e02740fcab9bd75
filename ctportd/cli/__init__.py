"""The command line: parses, calls, prints.

Commands import what they need when they run, so that ``ctportd --help`` need not wait for a database and a web server.
"""

from ctportd.cli import calling, calls, completion, configuring, mailing, messages, operating, phoning, plugins
from ctportd.cli.program import main, program

__all__ = [
    "calling",
    "calls",
    "completion",
    "configuring",
    "mailing",
    "main",
    "messages",
    "operating",
    "phoning",
    "plugins",
    "program",
]
