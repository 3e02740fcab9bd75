"""Has structlog loaded without rich, which it would take for tracebacks in colours: nobody here asks for those.

That is a fifth of the time that ``ctportd --help`` takes. Whoever wants rich gets it all the same.
"""

from __future__ import annotations

import sys
from importlib import import_module

if not sys.modules.keys() & {"rich", "structlog"}:
    sys.modules["rich"] = None  # type: ignore[assignment]  # so Python has what is not to be found
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]
