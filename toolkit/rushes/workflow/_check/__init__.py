"""The steps of a check: what a check is shown, and what is measured of pictures."""
