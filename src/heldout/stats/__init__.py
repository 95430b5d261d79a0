"""Statistics: arrays in, numbers with intervals out. Import the file that defines the thing."""
