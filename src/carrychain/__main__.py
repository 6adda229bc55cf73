"""`python -m carrychain` is the command `carrychain`."""

from carrychain.cli.main import main

if __name__ == "__main__":
    main()
