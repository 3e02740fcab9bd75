"""The log: structured lines, as JSON in the file and plain on a terminal.

Every line about a call carries ``port``, ``call`` and ``plugin``, and one about a request of ctserver ``request`` and
``fate``, without anyone passing them.
"""

from ctportd.logfile import LogFile
from ctportd.logs.context import Named, about_request, add_context, current_hook, nobodys_threads
from ctportd.logs.level import set_level
from ctportd.logs.setup import flush, quiet, set_file, set_up
from ctportd.logs.sinks import tapped
from ctportd.logs.text import as_json

__all__ = [
    "LogFile",
    "Named",
    "about_request",
    "add_context",
    "as_json",
    "current_hook",
    "flush",
    "nobodys_threads",
    "quiet",
    "set_file",
    "set_level",
    "set_up",
    "tapped",
]
