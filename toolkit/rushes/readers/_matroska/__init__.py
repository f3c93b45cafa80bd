"""Matroska by its own elements: places of blocks in the file, without demuxing."""
