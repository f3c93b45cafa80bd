"""The steps of Label Studio's JSON."""
