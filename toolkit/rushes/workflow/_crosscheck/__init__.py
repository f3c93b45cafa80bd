"""Steps of a cross-check: what is taken out of a dataset for it."""
