"""The MCAP container: its records, what a file holds, and its messages as arrays. Format: mcap.dev/spec."""
