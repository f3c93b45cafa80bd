"""The steps of an ingest."""
