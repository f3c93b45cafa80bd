"""Figures → self-contained HTML pages that work offline."""
