"""Clocks and alignment: numbers in, numbers out."""
