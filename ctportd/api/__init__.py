"""What can be asked of a running daemon through its control interface, by subject."""

from ctportd.api import calls, daemon, installation, mail, messages, ports

ROUTES = [
    *installation.routes,
    *daemon.routes,
    *ports.routes,
    *calls.routes,
    *messages.routes,
    *mail.routes,
]
"""Every path."""
