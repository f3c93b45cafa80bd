"""Samples to labels and back: annotation tools, and what can be said of labels."""
