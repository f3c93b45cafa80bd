"""Plugins are found by their file, and a mistyped name is answered with the nearest."""

import pytest

from rushes import registry
from rushes.errors import PluginError


def test_private_steps_are_no_plugins() -> None:
    assert not any(name.startswith("_") for name in registry.names("readers"))


def test_a_mistyped_plugin_is_answered_with_the_nearest() -> None:
    with pytest.raises(PluginError) as caught:
        registry.load("readers", "mcpa")
    assert caught.value.code == "plugin.unknown"
    assert "mcap" in caught.value.hint


def test_a_missing_package_is_named() -> None:
    with pytest.raises(PluginError, match="not_installed_here"):
        registry.late("not_installed_here")
