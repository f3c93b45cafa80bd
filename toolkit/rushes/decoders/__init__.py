"""Encoded payloads → pixels; one module a family of codecs."""
