"""Where alerts go: a file per kind of sink, one shape for all of them."""
