"""Columns and pixels → metrics and findings; one module a check."""
