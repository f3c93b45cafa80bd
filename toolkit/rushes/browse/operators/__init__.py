"""The operators of our plugin in the App, one a file; each acts on what is selected, and on nothing else."""
