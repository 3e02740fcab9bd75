"""Voice messages on their way from a caller's mouth to a mailbox, so that nothing that happens on the way loses one."""
