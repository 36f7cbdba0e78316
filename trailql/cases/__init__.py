"""A case: everything a lake tells about a time, in one place."""
