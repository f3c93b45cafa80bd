"""VRS files: their bytes, index, descriptions and contents."""
