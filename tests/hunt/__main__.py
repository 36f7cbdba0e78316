"""`make hunt-crash`."""

from tests.hunt.month import main

if __name__ == "__main__":
    main()
