"""ctportd: a daemon for telephone lines, and what the authors of its plugins import."""
