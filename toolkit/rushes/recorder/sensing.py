"""One sensor of the rig in a thread of its own: opened, tried again while it is absent, run, closed."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rushes.capturing import HostClock, Intake, LiveStream, Mishap, OpenSource, Source, Trouble
from rushes.errors import CaptureError, PluginError, RecipeError, RushesError
from rushes.live import State
from rushes.sensors import SensorOfRig

log = logging.getLogger(__name__)
AGAIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a sensor's thread finds around it.

    Args:
        clock: The recorder's.
        stopping: Set when the recording ends.
        go: Set when samples are wanted; sensors are opened before.
        sources: Gives the plugin of a name.
        offer: Takes the streams of a sensor that was opened; gives where its samples go.
        tell: Takes what went wrong.
    """

    clock: HostClock
    stopping: threading.Event
    go: threading.Event
    sources: Callable[[str], Source]
    offer: Callable[[SensorOfRig, Sequence[LiveStream]], Intake]
    tell: Callable[[Trouble], None]


class Sensing:
    """A sensor while it is recorded.

    Attributes:
        state: ``opening``, ``live``, ``absent`` or ``ended``.
        said: Why it is absent, or ended; empty otherwise.
        mistake: Of the rig file, or of the installation; nothing that waiting would mend.
        opened_ns: When it was opened; None before.
        tried: Set when it was tried to be opened once.
    """

    def __init__(self, sensor: SensorOfRig, around: Around) -> None:
        self.sensor = sensor
        self.state: State = "opening"
        self.said = ""
        self.mistake: RushesError | None = None
        self.opened_ns: int | None = None
        self.tried = threading.Event()
        self._around = around
        self._absent_ns: int | None = None
        self._thread = threading.Thread(target=self._live, name=f"rushes-{sensor.name}", daemon=True)

    def start(self) -> None:
        """Open the sensor and give what it gives, until the recording ends."""
        self._thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for its end; tells whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _live(self) -> None:
        try:
            opened = self._wait_for_it()
            if opened is not None:
                self._run(opened)
        finally:
            self.tried.set()
            self.state = "ended"

    def _wait_for_it(self) -> OpenSource | None:
        around = self._around
        while not around.stopping.is_set():
            try:
                return around.sources(self.sensor.source).open(self.sensor)
            except (RecipeError, PluginError) as error:
                self.mistake = error
                self._tell("absent", error.message)
                return None
            except CaptureError as error:
                self._absent(error.message)
                if error.code != "capture.absent":
                    return None
            except Exception as error:
                log.exception("the source '%s' failed to open '%s'", self.sensor.source, self.sensor.name)
                self._absent(f"it cannot be opened: {error}")
            self.tried.set()
            around.stopping.wait(AGAIN_S)
        return None

    def _run(self, opened: OpenSource) -> None:
        around = self._around
        try:
            intake = around.offer(self.sensor, opened.streams)
            self.opened_ns = around.clock.now_ns()
            self.state, self.said = "live", ""
            self.tried.set()
            if self._absent_ns is not None:
                self._tell("returned", "it was opened", from_ns=self._absent_ns)
                self.said = ""
            while not around.go.wait(0.1) and not around.stopping.is_set():
                pass
            if not around.stopping.is_set():
                opened.run(intake)
            if not around.stopping.is_set():
                log.info("'%s' has ended", self.sensor.name)
        except RushesError as error:
            self._tell("stopped", error.message)
        except Exception as error:
            log.exception("the source '%s' failed on '%s'", self.sensor.source, self.sensor.name)
            self._tell("stopped", f"its source failed: {type(error).__name__}: {error}")
        finally:
            opened.close()

    def _absent(self, message: str) -> None:
        """Tell that it is absent, once for each reason."""
        self.state = "absent"
        if self._absent_ns is None:
            self._absent_ns = self._around.clock.now_ns()
        if message != self.said:
            self._tell("absent", message)

    def _tell(self, what: Mishap, message: str, *, from_ns: int | None = None) -> None:
        self.said = message
        now = self._around.clock.now_ns()
        self._around.tell(Trouble(what=what, message=message, at_ns=now, sensor=self.sensor.name, from_ns=from_ns))
