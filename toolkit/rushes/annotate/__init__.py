"""Samples ⇄ labels: geometry, rows, agreement; and, where a server is wanted, Label Studio."""
