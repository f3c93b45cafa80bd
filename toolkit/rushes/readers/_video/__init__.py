"""Track containers and the sensor files beside them: demuxed, never decoded."""
