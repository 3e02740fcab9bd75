"""Hooks: what plugins can implement, how they are found, and how they are called."""
