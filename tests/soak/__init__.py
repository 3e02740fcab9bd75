"""The soak: a whole system at speed, with callers and a fault every few seconds, and a balance at the end.

``make soak`` runs it; ``python -m soak --help`` (with ``tests`` on the path) tells what it can be asked.
"""
