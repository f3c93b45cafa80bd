"""The panels of our plugin in the App, one a file; each asks the desk and draws what it says."""
