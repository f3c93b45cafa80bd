"""The keys of a recording: what each asks of it, and the marker that is being typed."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rushes.live import LiveRecording

HELP = "m marker  0-9 mark  space pause  n next  k keep  d discard  r retake  q stop"
SAID_FOR_S = 4.0
MOST_CHARACTERS = 200
_SEQUENCES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.)")
"""What arrows and their like send."""


@dataclass(slots=True)
class Keys:
    """Takes characters as they are typed.

    A marker stands at the instant at which ``m`` was pressed, however long its text takes to type.

    Args:
        recording: That they act on.
        stop: Called for ``q``.
        now_ns: Reads the clock of the recording.
    """

    recording: LiveRecording
    stop: Callable[[], None]
    now_ns: Callable[[], int]
    _text: str | None = None
    _at_ns: int = 0
    _said: str = ""
    _said_at: float = field(default=0.0)

    @property
    def line(self) -> str:
        """What to show: the marker that is typed, what the last key did, or what the keys are."""
        if self._text is not None:
            return f"marker: {self._text}▏  Enter writes it, Esc forgets it"
        if self._said and time.monotonic() - self._said_at < SAID_FOR_S:
            return self._said
        return HELP

    def press(self, typed: str) -> None:
        """Take what was typed at once; a key that sends several characters, such as an arrow, does nothing."""
        for character in _SEQUENCES.sub("", typed):
            if self._text is None:
                self._act(character)
            else:
                self._type(character)

    def _type(self, character: str) -> None:
        text = self._text or ""
        if character == "\x1b":
            self._text = None
            self._say("marker forgotten")
        elif character in "\r\n":
            self._text = None
            self.recording.mark(text.strip(), key="m", at_ns=self._at_ns)
            self._say(f"marked: {text.strip() or 'm'}")
        elif character in "\x7f\b":
            self._text = text[:-1]
        elif character == "\x15":  # Ctrl-U
            self._text = ""
        elif character.isprintable() and len(text) < MOST_CHARACTERS:
            self._text = text + character

    def _act(self, key: str) -> None:
        recording = self.recording
        if key == "m":
            self._text, self._at_ns = "", self.now_ns()
        elif key in "0123456789":
            recording.mark(key, key=key, at_ns=self.now_ns())
            self._say(f"marked: {key}")
        elif key == " ":
            self._pause_or_go_on()
        elif key == "n":
            ended = recording.next_take()
            self._say(f"take {ended.number} has ended ({ended.verdict}); take {ended.number + 1} goes on")
        elif key == "r":
            ended = recording.retake()
            self._say(f"take {ended.number} is discarded; take {ended.number + 1} repeats it")
        elif key in "kd":
            take = recording.judge("keep" if key == "k" else "discard")
            self._say(f"take {take.number}: {take.verdict}")
        elif key == "q":
            self._say("stopping")
            self.stop()

    def _pause_or_go_on(self) -> None:
        if self.recording.status().paused:
            self.recording.resume()
            self._say("goes on")
        else:
            self.recording.pause()
            self._say("paused: what arrives is left out and counted")

    def _say(self, text: str) -> None:
        self._said, self._said_at = text, time.monotonic()
