"""What the log of calls and the plugins tell: the command line prints it, the control interface sends it."""
