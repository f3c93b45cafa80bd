"""What the content of two streams says of their clocks: turning, claps, movement. Numbers in, verdicts out."""
