"""`python -m trailql`."""

from trailql.cli.app import main

if __name__ == "__main__":
    main()
