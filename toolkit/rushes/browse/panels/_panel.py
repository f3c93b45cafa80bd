"""What every panel of ours shares: its registration, the picture it is about, and words where there is nothing.

A panel keeps words and choices in its state, which travels to the page and back with every request, and traces in
its data, which only goes to the page. FiftyOne calls a method of it, then ``render``, in a thread of the server.
"""

import logging
from collections.abc import Callable
from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from rushes.browse import desk
from rushes.browse.items import Item, items
from rushes.errors import RushesError

log = logging.getLogger(__name__)

_WHOLE_WIDTH = {"grid": {"sx": {"gridTemplateColumns": "minmax(0, 1fr)"}}}
"""Else everything is as wide as the longest words, however wide the panel is."""
NOTE = "note"
"""Key of the state: what is said above everything else, in Markdown."""


class DeskPanel(foo.Panel):  # type: ignore[misc]  # FiftyOne ships no types
    """A panel that asks the desk of the dataset that is shown.

    Subclasses give the class variables, :meth:`show` and :meth:`draw`.
    """

    name_: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    surfaces: ClassVar[str] = "grid"
    help_: ClassVar[str]

    @property
    def config(self) -> Any:
        """Give FiftyOne the names of the panel."""
        return foo.PanelConfig(
            name=self.name_,
            label=self.label,
            icon=self.icon,
            surfaces=self.surfaces,
            help_markdown=self.help_,
        )

    def on_load(self, ctx: Any) -> None:
        """Fill the panel when it is opened."""
        self.refresh(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        """Fill it anew for another dataset."""
        ctx.panel.state.clear()
        self.refresh(ctx)

    def refresh(self, ctx: Any) -> None:
        """Show what the desk says now."""
        if ctx.panel.get_state(NOTE):
            ctx.panel.set_state(NOTE, "")
        self.attempt(ctx, lambda ctx: self.show(ctx, self.desk(ctx)))

    def desk(self, ctx: Any) -> Any:
        """Give the desk of the dataset that is shown."""
        return desk.of(ctx.dataset_name)

    def attempt(self, ctx: Any, step: Callable[[Any], None]) -> None:
        """Do it; what goes wrong is said in the panel."""
        try:
            step(ctx)
        except RushesError as error:
            log.debug("panel %s: %s", self.name_, error)
            hint = f"\n\n{error.hint}" if error.hint else ""
            self.say(ctx, f"**{error.message}**{hint}")

    def say(self, ctx: Any, words: str) -> None:
        """Say something in the panel instead of drawing."""
        ctx.panel.set_state(NOTE, words)

    def show(self, ctx: Any, asked: Any) -> None:
        """Put what the desk ``asked`` says into state and data."""
        raise NotImplementedError

    def draw(self, ctx: Any, panel: Any) -> None:
        """Add what stands in state and data to the panel; not called where only a note is to be said."""
        raise NotImplementedError

    def render(self, ctx: Any) -> Any:
        """Give FiftyOne the panel."""
        panel = types.Object()
        note = ctx.panel.get_state(NOTE)
        if note:
            panel.md(note, name="said")
        else:
            self.draw(ctx, panel)
        view = types.GridView(orientation="vertical", gap=1, padding=1, componentsProps=_WHOLE_WIDTH)
        return types.Property(panel, view=view)


def item_of(ctx: Any) -> Item | None:
    """Give the picture that is open, or the one that was ticked first; None where there is neither."""
    chosen = ctx.current_sample or next(iter(ctx.selected), None)
    return next(iter(items(ctx.dataset_name, [chosen])), None) if chosen else None
