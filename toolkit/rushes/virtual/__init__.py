"""A virtual rig whose every time, pose and label is known exactly; the source of truth for tests."""
