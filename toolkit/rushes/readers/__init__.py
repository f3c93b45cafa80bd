"""A recording on disk → streams and samples; one module a format."""
