"""Rushes: multi-sensor recordings become an annotated, checked, split, versioned dataset in plain Parquet."""

__version__ = "0.1.0"
