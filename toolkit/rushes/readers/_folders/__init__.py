"""Layouts of folders with colour and depth pictures, one a file."""
