"""What the tests of faults share with those of the whole system."""

from integration.conftest import start_system

__all__ = ["start_system"]
