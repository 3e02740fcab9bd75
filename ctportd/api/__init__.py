"""What can be asked of a running daemon through its control interface, by subject."""

from ctportd.api import daemon, messages, plugins, ports, reload

ROUTES = [*daemon.routes, *ports.routes, *messages.routes, *plugins.routes, *reload.routes]
"""Every path."""
