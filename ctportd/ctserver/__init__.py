"""The ctserver that ships with ctportd: PROTOCOL's requests in front, a virtual telephone exchange behind.

It is a process of its own, as the card's ctserver is. :func:`ctportd.ctserver.run.serve` runs it.
"""

from __future__ import annotations

VERSION = "ctportd-ctserver/0.1.0"
"""What ``serversion`` and the exchange's `hello` say; no space can be in it."""
