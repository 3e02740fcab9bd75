"""Letters on their way from a plugin to a mail server, so that nothing that happens on the way loses one."""
