"""What a rig asks of a sensor in ``format`` and ``options``; what a plugin does not know is refused.

A plugin takes each wish by name, then calls :meth:`Wishes.finish`, which refuses what nobody took.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from rushes.errors import RecipeError
from rushes.registry import close_to
from rushes.sensors import SensorOfRig

Part = Literal["format", "options"]


class Wishes:
    """The keys of one part of a sensor, to be taken one by one.

    Args:
        sensor: Of the rig.
        part: Which of its mappings.
    """

    def __init__(self, sensor: SensorOfRig, part: Part) -> None:
        given = sensor.format if part == "format" else sensor.options
        self._sensor, self._part = sensor, part
        self._given: Mapping[str, Any] = given
        self._known: list[str] = []

    def text(self, name: str, default: str | None = None, *, among: Collection[str] = ()) -> str | None:
        """Take a text; where ``among`` is given, one of these."""
        value = self._taken(name)
        if value is None:
            return default
        if not isinstance(value, str) or not value:
            raise self.refused(name, f"is {value!r}; it must be a text")
        if among and value not in among:
            near = close_to(value, among)
            raise self.refused(
                name,
                f"is '{value}'; it can be {', '.join(among)}",
                hint=f"did you mean '{near}'?" if near else "",
            )
        return value

    def whole(self, name: str, default: int | None = None, *, least: int = 1, most: int = 2**31 - 1) -> int | None:
        """Take a whole number between two limits, both included."""
        value = self._taken(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refused(name, f"is {value!r}; it must be a whole number from {least} to {most}")
        return value

    def number(self, name: str, default: float | None = None, *, least: float, most: float) -> float | None:
        """Take a number between two limits, both included."""
        value = self._taken(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.refused(name, f"is {value!r}; it must be a number from {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take true or false."""
        value = self._taken(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.refused(name, f"is {value!r}; it must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts, or one text with commas; empty where nothing is said."""
        value = self._taken(name)
        if value is None:
            return ()
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(parts, list) or not parts or not all(isinstance(part, str) and part for part in parts):
            raise self.refused(name, f"is {value!r}; it must be a list of names")
        return tuple(parts)

    def mapping(self, name: str) -> dict[str, Any]:
        """Take a mapping; empty where nothing is said."""
        value = self._taken(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.refused(name, f"is {value!r}; it must be a mapping of names")
        return value

    def finish(self) -> None:
        """Refuse what was given and not taken.

        Raises:
            RecipeError: ``rig.invalid``, with the nearest key there is.
        """
        for name in self._given:
            if name not in self._known:
                near = close_to(name, self._known)
                raise self.refused(
                    name,
                    f"is not known to the source '{self._sensor.source}'",
                    hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(self._known) or 'none'}",
                )

    def refused(self, name: str, why: str, *, hint: str = "") -> RecipeError:
        """Make the error that says why a wish cannot be meant so."""
        return RecipeError(
            f"sensor '{self._sensor.name}': {self._part}.{name} {why}",
            code="rig.invalid",
            hint=hint or f"see the {self._part} of the source '{self._sensor.source}' in the documentation",
            facts={"sensor": self._sensor.name, "key": f"{self._part}.{name}"},
        )

    def _taken(self, name: str) -> Any:
        self._known.append(name)
        return self._given.get(name)
