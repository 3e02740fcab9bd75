"""What can be asked of a running daemon through its control interface, by subject."""

from ctportd.api import calls, daemon, installation, live, mail, messages, plugins, ports, reload

ROUTES = [
    *installation.routes,
    *daemon.routes,
    *reload.routes,
    *plugins.routes,
    *ports.routes,
    *calls.routes,
    *messages.routes,
    *mail.routes,
    *live.routes,
]
"""Every path."""
