"""Core: populations, named randomness, data, subjects and estimates. Import the file that defines the thing."""
