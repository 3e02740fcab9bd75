"""The mark that makes a plugin's function an implementation of a hook."""

from __future__ import annotations

import pluggy

PROJECT = "ctportd"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Put it on a function of a plugin that is named like a hook: ``@hookimpl``."""
