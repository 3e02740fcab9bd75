"""What a new installation is made of: its configuration, and under /etc and /var the rest."""
