"""Have people label frames in Label Studio, and bring the labels back."""

import click

from rushes.cli._annotate_adjudicate import adjudicate
from rushes.cli._annotate_agree import agree_command, consensus_command
from rushes.cli._annotate_edits import conflicts_command, edit_command, resolve_command
from rushes.cli._annotate_erratum import erratum_command
from rushes.cli._annotate_history import blame, diff
from rushes.cli._annotate_labels import import_command
from rushes.cli._annotate_media import media as media_command
from rushes.cli._annotate_pull import pull, rebuild
from rushes.cli._annotate_push import push
from rushes.cli._annotate_server import down, install, status, up
from rushes.cli._options import listed


@click.group(
    "annotate",
    epilog=listed("rushes annotate up\nrushes annotate status --json\nrushes annotate down"),
    add_help_option=False,
)
@click.help_option("-h", "--help", help="Show this message and exit.")
def command() -> None:
    """Have people label frames in Label Studio, and bring the labels back.

    The server runs in an environment of its own, for this machine alone, unless --url names one that the team has.
    Every command can be repeated at any time.
    """


for _verb in (
    *(install, up, status, down, media_command, push, pull, rebuild),
    *(edit_command, conflicts_command, resolve_command, diff, blame, erratum_command),
    *(import_command, agree_command, consensus_command, adjudicate),
):
    command.add_command(_verb)
