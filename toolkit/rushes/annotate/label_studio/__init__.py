"""Label Studio as the place where people draw: its server, a client, and what they send each other."""
