"""Tags that show numbers and sound over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import quoteattr

TIME = "t"
"""Column of a series that holds its times, in seconds."""
TALL_PX, USUAL_PX, LOW_PX = 320, 220, 110
SHARING = 4
"""More channels of one unit than these get a plot each."""
_COLORS = ("#d62728", "#2ca02c", "#1f77b4", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One line of a plot.

    Args:
        name: As people read it.
        unit: Empty where it is not known; neighbouring channels of one unit share a plot.
    """

    name: str
    unit: str = ""


def column(position: int) -> str:
    """Name a channel's column in the file that is shown, by its position; names of channels may hold anything."""
    return f"c{position}"


def series_tag(channels: Sequence[Channel]) -> str:
    """Write the plots of a series, one a unit."""
    lines = ""
    groups: list[list[tuple[int, Channel]]] = []
    for _, members in groupby(enumerate(channels), key=lambda pair: pair[1].unit):
        group = list(members)
        groups += [group] if len(group) <= SHARING else [[pair] for pair in group]
    height = TALL_PX if len(groups) == 1 else USUAL_PX if len(groups) <= SHARING else LOW_PX
    for group in groups:
        lines += f'    <MultiChannel height="{height}">\n'
        for turn, (position, channel) in enumerate(group, 0 if len(group) > 1 else group[0][0]):
            legend = f"{channel.name} [{channel.unit}]" if channel.unit else channel.name
            lines += (
                f'      <Channel column="{column(position)}" legend={quoteattr(legend)} '
                f'units={quoteattr(channel.unit)} displayFormat=",.4~g" '
                f'strokeColor="{_COLORS[turn % len(_COLORS)]}"/>\n'
            )
        lines += "    </MultiChannel>\n"
    head = f'name="series" value="$series" valueType="url" sep="," timeColumn="{TIME}" overviewWidth="100%"'
    formats = 'timeDisplayFormat=",.3f" durationDisplayFormat=",.3f"'
    return f'  <TimeSeries {head} {formats} overviewChannels="{column(0)}">\n{lines}  </TimeSeries>\n'


def sound_tag() -> str:
    """Write the wave of a sound."""
    return '  <Audio name="audio" value="$audio" zoom="true" height="160" waveHeight="120" spectrogram="true"/>\n'


def about_tag() -> str:
    """Write the line that says what a task shows, and what it does not."""
    return '  <Header value="$about" size="6"/>\n'
