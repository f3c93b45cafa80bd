"""Groups → parts, and the audit of leaks; one module a way to split."""
