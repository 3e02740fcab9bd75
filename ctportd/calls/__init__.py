"""Calls: what a plugin works with, from ring to hang-up."""
