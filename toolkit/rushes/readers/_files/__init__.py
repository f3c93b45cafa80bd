"""Recordings made of ordinary files: text tables, lists of images, exact times."""
