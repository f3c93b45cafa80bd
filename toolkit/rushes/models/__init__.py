"""Pixels → predicted labels."""
