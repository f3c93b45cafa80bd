"""Timestamped messages on named channels → samples: what MCAP, ROS 1 and ROS 2 recordings share."""
