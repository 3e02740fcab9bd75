"""The store: what must survive the daemon, in a database."""

from ctportd.store.calls import CRASHED
from ctportd.store.store import Store

__all__ = ["CRASHED", "Store"]
