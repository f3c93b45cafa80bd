"""What Azure Kinect recorders put into Matroska: tracks, IMU samples, calibration."""
