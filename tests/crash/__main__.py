"""`make crash`."""

from tests.crash.harness import main

if __name__ == "__main__":
    main()
