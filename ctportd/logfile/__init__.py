"""A file of lines that is rolled, for the daemon's log and for that of our own ctserver."""

from ctportd.logfile.file import LogFile
from ctportd.logfile.keeping import Keeping, Rolled

__all__ = ["Keeping", "LogFile", "Rolled"]
