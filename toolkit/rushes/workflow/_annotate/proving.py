"""Whether a dataset still shows what a task showed: labels on another picture would be wrong."""

from rushes.annotate import proof
from rushes.annotate.label_studio.passport import Passport
from rushes.errors import ReadError, UsageError
from rushes.store import Store
from rushes.workflow._annotate import shown, shown_clip
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames


class UncheckedError(Exception):
    """The pictures cannot be read now, so nothing can be said; the text is a clause that says why."""


class Prover:
    """Holds passports against the pictures of a dataset; close it, or use it as a context manager.

    Args:
        store: Of the dataset.
    """

    def __init__(self, store: Store) -> None:
        self._dataset = Dataset(store)
        self._open: tuple[tuple[str, str], Frames] | None = None
        self._known: dict[Passport, str] = {}

    def __enter__(self) -> "Prover":
        return self

    def __exit__(self, *_: object) -> None:
        self._dataset.close()

    def difference(self, passport: Passport) -> str:
        """Say how what the dataset has now differs from what was shown; empty where it does not.

        A picture that was shown with the bytes that it is stored in is the same if these are; else the decoded
        pixels decide. Of a clip the times of all samples count, and the pixels of those that were kept for it.
        What a passport does not tell, such as one of an earlier release, is not held against anything.

        Raises:
            UncheckedError: If the pictures cannot be read.
        """
        if (
            passport.axis is not None
        ):  # of numbers or sound: its axis is held against the dataset's where it is read
            return ""
        if passport not in self._known:
            try:
                frames = self._frames(passport)
                held = _clip if passport.index_end is not None else _picture
                self._known[passport] = held(passport, frames)
            except (ReadError, UsageError) as error:
                raise UncheckedError(error.message) from error
        return self._known[passport]

    def _frames(self, passport: Passport) -> Frames:
        key = (passport.recording_id, passport.stream)
        if self._open is None or self._open[0] != key:
            self._open = (key, self._dataset.frames(*key))
        return self._open[1]


def _picture(passport: Passport, frames: Frames) -> str:
    where = f"{passport.stream} {passport.index}"
    if passport.index >= len(frames):
        return f"{where} was shown, and the dataset has {len(frames)} frames of it"
    told = [("time", passport.t_ns, int(frames.t_ns[passport.index]), " ns")]
    if passport.pts is not None:
        told.append(("time stamp", passport.pts, int(frames.pts[passport.index]), ""))
    for what, then, now, unit in told:
        if then is not None and then != now:
            return f"{where} was shown with the {what} {then}{unit}, and has {now}{unit} now"
    if passport.pixels is None or shown.stored_digest(frames, passport.index) == passport.sha256:
        return ""
    now_pixels = proof.pixels_digest(frames.image(passport.index))
    return "" if now_pixels == passport.pixels else f"the pixels of {where} are not those that were shown"


def _clip(passport: Passport, frames: Frames) -> str:
    end = passport.index_end or 0
    where = f"{passport.stream} {passport.index} to {end - 1}"
    if end > len(frames):
        return f"{where} was shown, and the dataset has {len(frames)} frames of it"
    if passport.times is not None and passport.times != shown_clip.times_of(frames, passport.index, end):
        return f"the times of {where} are not those that were shown"
    for index, pixels in passport.probes or ():
        if proof.pixels_digest(frames.image(index)) != pixels:
            return f"the pixels of {passport.stream} {index} are not those that were shown"
    return ""
