"""``python -m sentipair``: the command line."""

from sentipair.cli import main

if __name__ == "__main__":
    main()
