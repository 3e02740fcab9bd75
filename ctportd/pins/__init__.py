"""PINs: kept as hashes that cost time to try, and locked when they are guessed at."""
