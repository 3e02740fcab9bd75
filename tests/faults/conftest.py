"""The whole system, for tests that make faults in it."""

from integration.conftest import start_system

__all__ = ["start_system"]
