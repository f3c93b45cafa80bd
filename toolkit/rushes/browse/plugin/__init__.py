"""What FiftyOne runs of our plugin: it hands itself over, and gets every panel and operator."""

from rushes.browse.plugin_files import register

__all__ = ["register"]
