"""``python -m rushes`` is the command ``rushes``."""

from rushes.cli import main

if __name__ == "__main__":
    main()
