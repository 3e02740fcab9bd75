"""What happens, told while it happens to whoever watches: events, and the lines of the log."""
