"""What every operator of ours shares: nothing selected means nothing changed, and what was done is said."""

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from rushes.browse import desk
from rushes.browse.acts import Acts, Told
from rushes.browse.items import Item, items
from rushes.errors import RushesError
from rushes.quantities import say_count

log = logging.getLogger(__name__)
NOTHING = "Nothing is selected, so nothing was changed: tick pictures in the grid first."


class DeskOperator(foo.Operator):  # type: ignore[misc]  # FiftyOne ships no types
    """An operator on what is ticked in the grid, through the desk of the dataset.

    Subclasses give the class variables, :meth:`ask` and :meth:`act`.
    """

    name_: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    selects: ClassVar[bool] = True
    """Whether it is about what is selected; else it is about the dataset."""
    reloads: ClassVar[bool] = False
    """Whether more than the selected pictures look different afterwards."""

    @property
    def config(self) -> Any:
        """Give FiftyOne the names of the operator."""
        return foo.OperatorConfig(name=self.name_, label=f"Rushes: {self.label}", icon=self.icon, dynamic=True)

    def resolve_input(self, ctx: Any) -> Any:
        """Ask for what it needs, or say that nothing is selected."""
        inputs = types.Object()
        view = types.View(label=self.label)
        if self.selects and not ctx.selected:
            words = types.Warning(label="Nothing is selected", description="Tick pictures in the grid first.")
            inputs.view("nothing", words).invalid = True
            return types.Property(inputs, view=view, invalid=True)
        if self.selects:
            inputs.view("about", types.Notice(label=f"{say_count(len(ctx.selected), 'picture')} selected"))
        self.ask(ctx, inputs)
        return types.Property(inputs, view=view)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Do it; what cannot be done is said, and nothing is changed."""
        chosen = items(ctx.dataset_name, list(ctx.selected)) if self.selects else []
        if self.selects and not chosen:
            return self._refused(ctx, NOTHING)
        try:
            told = self.act(ctx, self._desk(ctx), chosen)
        except RushesError as error:
            log.debug("operator %s: %s", self.name_, error)
            return self._refused(ctx, f"{error.message}{f'. {error.hint}' if error.hint else ''}")
        ctx.ops.notify(told.said, variant="warning" if told.warnings else "success")
        ctx.ops.reload_dataset() if self.reloads else ctx.ops.reload_samples()
        return {"said": told.said, "warnings": list(told.warnings), "address": told.address, "done": True}

    def resolve_output(self, ctx: Any) -> Any:
        """Say what was done where there is more to say than the page was told already."""
        address, warnings = ctx.results.get("address"), ctx.results.get("warnings") or []
        if not address and not warnings:
            return None
        outputs = types.Object()
        lines = [ctx.results["said"], *([f"[{address}]({address})"] if address else []), *warnings]
        outputs.md("\n\n".join(lines), name="words")
        return types.Property(outputs, view=types.View(label=self.label))

    def ask(self, ctx: Any, inputs: Any) -> None:
        """Add what is asked for to ``inputs``."""

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:
        """Have the desk do it.

        Raises:
            RushesError: If it cannot be done.
        """
        raise NotImplementedError

    def _desk(self, ctx: Any) -> Acts:
        found: Acts = desk.of(ctx.dataset_name)
        assert isinstance(found, Acts), "the App is served with a desk that acts"
        return found

    def _refused(self, ctx: Any, words: str) -> dict[str, Any]:
        ctx.ops.notify(words, variant="error")
        return {"said": words, "warnings": [], "address": "", "done": False}


def frames_of(chosen: Sequence[Item]) -> list[tuple[str, str, int]]:
    """Give the frames of pictures, each once."""
    return list(dict.fromkeys((one.recording_id, one.stream, one.index) for one in chosen))


def recordings_of(chosen: Sequence[Item]) -> list[str]:
    """Give the recordings of pictures, each once."""
    return list(dict.fromkeys(one.recording_id for one in chosen))
