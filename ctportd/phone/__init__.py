"""The virtual telephone: it calls a line of ctportd's own ctserver, or is the set of one (docs/exchange.md)."""
