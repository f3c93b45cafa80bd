"""The error tree: what a user can do wrong or meet, with the facts and a way on.

RushesError
├── UsageError        an argument or option that cannot be meant so (exit code 2)
├── RecipeError       a recipe, rig or ontology file that does not say what it should
├── ReadError         a recording that cannot be read, or only in part
│   ├── UnknownFormatError    no reader claims the path
│   └── AmbiguousFormatError  several readers claim it equally
├── StoreError        the dataset on disk: absent, newer, damaged, full
│   ├── ConflictError         another process changed the same rows first
│   └── ChangedSourceError    a recording is no longer what was indexed
├── TimingError       times that cannot be aligned
├── CaptureError      a live sensor that cannot be opened, or a recording that cannot be written
├── PluginError       a plugin that is unknown, doubled or cannot be imported
└── ToolError         a program or server that is missing or does not answer

Every error carries a code of the form ``room.what``; ``rushes explain CODE`` reads the longer text from
``schemas/errors/``. Anything else that escapes is a mistake of ours and stays a traceback.
"""

from collections.abc import Mapping


class RushesError(Exception):
    """A mistake or a mishap that a user can act on.

    Args:
        message: What happened, with the facts: file, stream, value, limit.
        code: A key of ``schemas/errors/``.
        hint: What to do next, best of all a command; empty where nothing can be done.
        facts: The same facts by name, for ``--json``; values are str, int, float, bool or None.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str = "",
        facts: Mapping[str, str | int | float | bool | None] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.facts = dict(facts or {})


class UsageError(RushesError):
    """An argument or option that cannot be meant so."""

    exit_code = 2


class RecipeError(RushesError):
    """A recipe, rig or ontology file that does not say what it should."""


class ReadError(RushesError):
    """A recording that cannot be read, or only in part."""


class UnknownFormatError(ReadError):
    """No reader claims the path."""


class AmbiguousFormatError(ReadError):
    """Several readers claim the path equally well."""


class StoreError(RushesError):
    """The dataset on disk is absent, newer than this release, damaged or full."""


class ConflictError(StoreError):
    """Another process changed the same rows first."""


class ChangedSourceError(StoreError):
    """A recording is no longer what was indexed."""


class TimingError(RushesError):
    """Times that cannot be aligned."""


class CaptureError(RushesError):
    """A live sensor cannot be opened, or a recording cannot be written."""


class PluginError(RushesError):
    """A plugin that is unknown, doubled or cannot be imported."""


class ToolError(RushesError):
    """A program or server that is missing or does not answer."""
