"""Steps of browse: what the App's panels and operators ask of the dataset."""
