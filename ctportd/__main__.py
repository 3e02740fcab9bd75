"""``python -m ctportd``."""

from ctportd.cli import main

if __name__ == "__main__":
    main()
