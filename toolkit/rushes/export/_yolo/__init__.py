"""The steps of the YOLO formats."""
