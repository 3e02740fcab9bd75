"""What can be asked of a running daemon through its control interface, by subject."""

from ctportd.api import daemon, live, messages, ports

ROUTES = [*daemon.routes, *ports.routes, *messages.routes, *live.routes]
"""Every path."""
