"""The steps of the COCO format."""
