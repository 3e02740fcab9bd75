"""Configuration and plugins, replaced while the daemon runs."""
