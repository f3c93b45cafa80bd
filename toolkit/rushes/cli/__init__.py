"""The verbs that a person types, one file a verb: parse, call the workflow, render."""

from rushes.cli._main import main

__all__ = ["main"]
