"""Encoded payloads → pixels; one module a family of codecs."""

from rushes.decoders._pcm import Samples, as_sixteen, as_wave, is_plain, plain

__all__ = ["Samples", "as_sixteen", "as_wave", "is_plain", "plain"]
