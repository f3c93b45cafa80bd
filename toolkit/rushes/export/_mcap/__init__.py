"""Steps of writing a recording as MCAP."""
