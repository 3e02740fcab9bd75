"""What several tests share: fakes, and the daemon as a process."""
