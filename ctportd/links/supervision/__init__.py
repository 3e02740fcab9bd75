"""What the supervisor is made of: a child and its guard, and a ctserver that is found running."""
