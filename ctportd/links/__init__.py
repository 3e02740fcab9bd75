"""The connections to ctserver: one a telephone port, one for the manager, and ctserver itself as a child."""
