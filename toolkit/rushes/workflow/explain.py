"""Explain: what an error code or a check means, from the texts beside the schemas and in the checks."""

from functools import cache

from rushes import registry, resources
from rushes.errors import UsageError


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Give every error code with its title and what happened, what is safe and what to do."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted((resources.folder("schemas") / "errors").glob("*.yaml")):
        found |= resources.load_yaml(f"errors/{file.name}")
    return found


def entry(code: str) -> dict[str, str]:
    """Explain one error code or check id.

    Raises:
        UsageError: ``explain.unknown`` with a close match.
    """
    if code in catalogue():
        return catalogue()[code]
    checks = {plugin.name: plugin for plugin in registry.load_all("checks").values()}
    if code in checks:
        check = checks[code]
        options = ", ".join(f"{name} = {value}" for name, value in check.defaults.items())
        return {
            "title": "a check",
            "measures": " ".join((type(check).__doc__ or "").split()),
            "reason": " ".join(check.reason.split()),
            "options": options or "none",
            "limits": " ".join(check.known_limits.split()),
        }
    near = registry.close_to(code, [*catalogue(), *checks])
    raise UsageError(
        f"there is no code or check '{code}'",
        code="explain.unknown",
        hint=f"did you mean '{near}'?" if near else "rushes explain lists them all",
    )


def titles() -> dict[str, str]:
    """List every code with its title."""
    return {code: text["title"] for code, text in catalogue().items()}
