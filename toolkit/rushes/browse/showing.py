"""What the App is to show: name and mark are known at once, the rest is laid out where it must be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rushes.browse.players import Played, Playlist
from rushes.browse.view import BrowseView


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A view that is laid out only where the App's database does not show it already.

    Args:
        name: Of its dataset in the App.
        view: Lays it out; its name is ``name``.
        mark: Equal marks show the same. None is like no other: such a view is always laid out.
        playlist: Gives the recordings for the App's own player, in a dataset of their own; it is handed the list
            of last time where the mark is the same, and lists them itself otherwise.
    """

    name: str
    view: Callable[[], BrowseView]
    mark: str | None = None
    playlist: Callable[[Sequence[Played] | None], Playlist] | None = None


def showing(view: BrowseView, playlist: Playlist | None = None) -> Showing:
    """Show a view that is laid out."""
    listed = partial(_whatever, playlist) if playlist else None
    return Showing(name=view.name, view=lambda: view, playlist=listed)


def _whatever(playlist: Playlist, _: Sequence[Played] | None) -> Playlist:
    return playlist
