"""``python -m streamproc`` is the command, too."""

from streamproc.cli.main import main

if __name__ == "__main__":
    main()
