"""`python -m builder` is the command `humpback`."""

from builder.cli.main import main

if __name__ == "__main__":
    main()
