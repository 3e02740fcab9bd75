"""The tables of docs/api.md, as the code has them."""

from __future__ import annotations

from ctportd.api import ROUTES
from ctportd.control.problems import KINDS


def route_table() -> str:
    """Every path, with what it does."""
    rows = [f"| `{route.method} {route.path}` | {route.summary.replace('``', '`')} |" for route in ROUTES]
    return "\n".join(["| path | what |", "|---|---|", *rows])


def problem_table() -> str:
    """Every kind of problem, with its status and when it comes."""
    rows = [f"| `{kind.name}` | {kind.status} | {kind.meaning} |" for kind in KINDS]
    return "\n".join(["| name | status | when |", "|---|---|---|", *rows])
