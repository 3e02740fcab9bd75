"""The daemon's own interface for the command line and for programs: HTTP on a Unix socket."""
