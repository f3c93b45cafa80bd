"""Several sources, one after the other, as one: the splits of a bag."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rushes.model import Loss, MediaFile
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.peek import FirstMessages
from rushes.readers._messages.recording import Source, Unread


class Joined:
    """Fulfils ``Source``; channels of one topic, type and encoding are one, in the order in which they appear.

    Args:
        parts: In the order of recording.
        declared: Channels that the recording as a whole lists, with their counts; one that no part has is added.
        span_ns: First and last log time as the recording as a whole states them; else of its parts.
        metadata: Whatever it states.
        losses: What is known to be missing.
    """

    def __init__(
        self,
        parts: Sequence[Source],
        *,
        declared: Sequence[Channel] = (),
        span_ns: tuple[int, int] | None = None,
        metadata: Mapping[str, Any],
        losses: Sequence[Loss] = (),
    ) -> None:
        self._parts = parts
        self._losses = losses
        self.metadata = metadata
        self._ours: list[dict[int, int]] = []
        places: dict[tuple[str, str, str], int] = {}
        channels: list[Channel] = []
        for part in parts:
            ours = {}
            for theirs, channel in enumerate(part.channels):
                place = places.setdefault(_key(channel), len(channels))
                if place == len(channels):
                    channels.append(channel)
                else:
                    channels[place] = _merged(channels[place], channel)
                ours[theirs] = place
            self._ours.append(ours)
        self.channels: Sequence[Channel] = _with_declared(channels, declared)
        self.media: Sequence[MediaFile] = [file for part in parts for file in part.media]
        spans = [span for part in parts if (span := part.span_ns) is not None]
        known = (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None
        self.span_ns = span_ns or known

    def peek(self) -> Mapping[int, MessageBlock]:
        """Give the first few messages of each channel, from as few parts as have them."""
        gathered = FirstMessages(self.channels)
        for part, ours in zip(self._parts, self._ours, strict=True):
            if gathered.pending.isdisjoint(ours.values()):
                continue
            for theirs, block in part.peek().items():
                gathered.add(ours[theirs], block)
        return gathered.blocks()

    def blocks(self, channels: Collection[int]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the messages of the channels, part after part."""
        wanted = set(channels)
        for part, ours in zip(self._parts, self._ours, strict=True):
            theirs_wanted = [theirs for theirs, place in ours.items() if place in wanted]
            for theirs, block in part.blocks(theirs_wanted):
                yield ours[theirs], block

    def losses(self) -> Sequence[Loss]:
        """Name what is missing, and what the parts could not read."""
        return [*self._losses, *(loss for part in self._parts for loss in part.losses())]

    def unread(self) -> Unread:
        """Add up what the parts could not reach."""
        counts: dict[int, int] = {}
        parts = [part.unread() for part in self._parts]
        for part, ours in zip(parts, self._ours, strict=True):
            for theirs, count in part.counts.items():
                counts[ours[theirs]] = counts.get(ours[theirs], 0) + count
        return Unread(counts=counts, uncounted=bool(self._losses) or any(part.uncounted for part in parts))

    def close(self) -> None:
        """Close every part."""
        for part in self._parts:
            part.close()


def _key(channel: Channel) -> tuple[str, str, str]:
    return channel.topic, channel.message_type, channel.encoding


def _merged(one: Channel, other: Channel) -> Channel:
    """Fold a channel of a later part into the one before; a definition is where any part has it."""
    counts = (one.declared_count, other.declared_count)
    defined = one if one.schema else other
    return replace(
        one,
        schema=defined.schema,
        schema_encoding=defined.schema_encoding,
        declared_count=None if counts[0] is None or counts[1] is None else counts[0] + counts[1],
    )


def _with_declared(channels: Sequence[Channel], declared: Sequence[Channel]) -> list[Channel]:
    by_topic: dict[str, list[int]] = {}
    for place, channel in enumerate(channels):
        by_topic.setdefault(channel.topic, []).append(place)
    result = list(channels)
    for one in declared:
        places = by_topic.get(one.topic, [])
        if not places:
            result.append(one)
        elif len(places) == 1:  # of two types on one topic the list does not tell which it counts
            result[places[0]] = replace(result[places[0]], declared_count=one.declared_count)
    return result
