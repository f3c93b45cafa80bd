"""Say more about an error code or a check."""

import click

from rushes.cli._options import verb
from rushes.cli._output import Answer
from rushes.workflow import explain


@verb("explain", examples="rushes explain read.truncated\nrushes explain stream.gap")
@click.argument("code", required=False)
def command(code: str | None) -> Answer:
    """Say what happened, what is safe and what to do; without CODE, list the codes."""
    if code is None:
        titles = explain.titles()
        lines = [f"{name}  {title}" for name, title in titles.items()]
        return Answer(result={"codes": titles}, text="\n".join(lines))
    text = explain.entry(code)
    lines = [f"{code}: {text['title']}", ""]
    lines += [f"{key.capitalize()}: {value}" for key, value in text.items() if key != "title"]
    return Answer(result={"code": code, **text}, text="\n".join(lines))
