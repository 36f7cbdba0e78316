"""`make campaign`."""

from tests.campaign.mutations import main

if __name__ == "__main__":
    raise SystemExit(main())
