"""What arrives from live sensors → one recording that survives a crash."""
