"""The options of a plugin as a person gave them, over its defaults."""

from collections.abc import Mapping

from rushes import registry
from rushes.errors import UsageError


def settled(whose: str, defaults: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Give every option its value.

    Args:
        whose: Names the plugin in a sentence, such as "the format 'coco'".
        defaults: All options that there are.
        given: Some of them.

    Raises:
        UsageError: ``labels.option`` for an option that there is not.
    """
    for name in given:
        if name not in defaults:
            near = registry.close_to(name, defaults)
            known = ", ".join(defaults) or "none"
            raise UsageError(
                f"{whose} has no option '{name}'",
                code="labels.option",
                hint=f"did you mean '{near}'?" if near else f"its options: {known}",
            )
    return {**defaults, **given}
