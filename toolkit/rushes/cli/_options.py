"""Options and value types that several verbs share."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli import _output
from rushes.cli._output import Answer
from rushes.errors import UsageError
from rushes.quantities import duration_ns


class Duration(click.ParamType[int]):
    """A length of time typed with its unit, such as ``10ms``; gives int nanoseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the number and the unit."""
        if isinstance(value, int):
            return value
        try:
            return duration_ns(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class OneOf(click.Choice[str]):
    """One of a few words, with a close match where it is mistyped."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Say what there is, and what was probably meant."""
        near = registry.close_to(str(value), self.choices)
        return super().get_invalid_choice_message(value, ctx) + (f" Did you mean '{near}'?" if near else "")


class Listed(click.ParamType[tuple[str, ...]]):
    """Some of a few words, by comma, with a close match where one is mistyped."""

    name = "words"

    def __init__(self, offered: Sequence[str]) -> None:
        self.offered = tuple(offered)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Read the words."""
        words = value if isinstance(value, tuple) else tuple(word.strip() for word in str(value).split(","))
        for word in words:
            if word not in self.offered:
                near = registry.close_to(word, self.offered)
                said = f" Did you mean '{near}'?" if near else f" There are {', '.join(self.offered)}."
                self.fail(f"'{word}' is not one of them.{said}", param, ctx)
        return tuple(dict.fromkeys(words))


class Parts(click.ParamType[dict[str, float]]):
    """Shares by name, such as ``train:0.7,val:0.15,test:0.15``."""

    name = "parts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        """Read names and shares."""
        if isinstance(value, dict):
            return value
        parts: dict[str, float] = {}
        for item in str(value).split(","):
            name, _, share = (word.strip() for word in item.partition(":"))
            try:
                size = float(share)
            except ValueError:
                self.fail(f"'{item}' is no share; write NAME:SHARE, such as train:0.7", param, ctx)
            if not name or name in parts:
                self.fail(f"the part '{name}' is named twice" if name else f"'{item}' names no part", param, ctx)
            parts[name] = size
        return parts


def verb(name: str, *, examples: str, group: str = "") -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function that gives an :class:`Answer`; adds ``--json`` and the examples.

    Args:
        name: The verb.
        examples: Lines of ``rushes …`` commands, shown at the end of the help; the tests run them.
        group: Name of the command group that it belongs to, if any.
    """
    full = f"{group} {name}".strip()

    def wrap(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def call(*, as_json: bool, **values: Any) -> int:
            return _output.show(function(**values), command=full, as_json=as_json)

        epilog = listed(examples)
        json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
        # An option of its own: the one that click makes depends on who asked for help first.
        help_option = click.help_option("-h", "--help", help="Show this message and exit.")
        return click.command(name, epilog=epilog, add_help_option=False)(json_option(help_option(call)))

    return wrap


def listed(examples: str) -> str:
    """Lay out examples for the end of a help text."""
    return "\b\nExamples:\n" + "\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())


class VerbWithMore(click.Command):
    """A verb beside which others stand: ``rushes split DATASET``, and ``rushes split lock DATASET PART``.

    Attributes:
        commands: The others by name; a folder of such a name is meant with ``./`` before it.
    """

    def __init__(self, plain: click.Command, commands: Sequence[click.Command]) -> None:
        super().__init__(
            plain.name,
            callback=plain.callback,
            params=plain.params,
            help=plain.help,
            epilog=plain.epilog,
            add_help_option=False,
        )
        self.commands = {command.name or "": command for command in commands}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand over to the other command where its name comes first."""
        if args and args[0] in self.commands:
            return self.commands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the other commands below the options."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=80)) for name, command in self.commands.items()]
            )


dataset_argument = click.argument("dataset", type=click.Path(path_type=Path))
at_option = click.option("--at", metavar="REVISION", help="Read the dataset as of this revision or tag.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


def revision_of(at: str | None) -> int | str | None:
    """Read ``--at``: a number is a revision, anything else a tag."""
    return int(at) if at is not None and at.isdecimal() else at


def fact_of(text: str) -> tuple[str, str]:
    """Read ``--fact NAME=VALUE``.

    Raises:
        UsageError: ``ingest.facts``.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is no fact", code="ingest.facts", hint="write NAME=VALUE, such as consent=c12")
    return name, value


class PluginName(click.ParamType[str]):
    """The name of a plugin of one kind, with a close match where it is mistyped."""

    name = "name"

    def __init__(self, kind: registry.Kind) -> None:
        self.kind: registry.Kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Hold the name against the registry."""
        offered = registry.names(self.kind)
        if value not in offered:
            near = registry.close_to(str(value), offered)
            self.fail(
                f"there is no '{value}' among the {self.kind}"
                + (f"; did you mean '{near}'?" if near else f"; there are {', '.join(offered)}"),
                param,
                ctx,
            )
        return str(value)
