"""What can be asked of a running daemon through its control interface, by subject."""

from ctportd.api import daemon, messages, ports, reload

ROUTES = [*daemon.routes, *ports.routes, *messages.routes, *reload.routes]
"""Every path."""
