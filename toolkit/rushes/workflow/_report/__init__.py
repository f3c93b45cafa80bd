"""The steps of the report of a check: pictures of what was found, time lines, plots."""
