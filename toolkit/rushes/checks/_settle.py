"""Which checks are run, and with which options: defaults, then what was given; unknown names are refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from rushes.contracts import Check
from rushes.errors import UsageError
from rushes.registry import close_to


def choose(offered: Mapping[str, Check], only: Sequence[str] | None) -> list[Check]:
    """Give the checks of these ids in alphabetical order, all when None; ``image`` means the family.

    Args:
        offered: Checks by any key, as ``registry.load_all("checks")`` gives them.
        only: Ids or families.

    Raises:
        UsageError: ``check.unknown`` with a close match.
    """
    by_id = {check.name: check for check in offered.values()}
    if only is None:
        return [by_id[name] for name in sorted(by_id)]
    chosen: set[str] = set()
    for wanted in only:
        found = {name for name in by_id if name == wanted or name.startswith(f"{wanted}.")}
        if not found:
            near = close_to(wanted, [*by_id, *{name.partition(".")[0] for name in by_id}])
            raise UsageError(
                f"there is no check '{wanted}'",
                code="check.unknown",
                hint=f"did you mean '{near}'?" if near else "rushes plugins checks lists them",
            )
        chosen |= found
    return [by_id[name] for name in sorted(chosen)]


def settle(check: Check, given: Mapping[str, Any]) -> dict[str, float]:
    """Give every option of a check: the default, or what was given.

    Raises:
        UsageError: ``check.option`` for a name that the check does not know, or a value that is no number >= 0.
    """
    settled = {name: option.default for name, option in check.defaults.items()}
    for name, value in given.items():
        if name not in settled:
            near = close_to(name, settled)
            raise UsageError(
                f"{check.name}: there is no option '{name}'",
                code="check.option",
                hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(settled) or 'none'}",
                facts={"check": check.name, "option": name},
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise UsageError(
                f"{check.name}: {name} is {value!r}; it must be a number, 0 or more",
                code="check.option",
                hint=f"the default is {check.defaults[name].default:g}",
                facts={"check": check.name, "option": name},
            )
        settled[name] = float(value)
    return settled
