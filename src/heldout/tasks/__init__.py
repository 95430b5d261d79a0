"""Tasks: one file each, which draws data and states exact facts about them. Import the file that defines the thing."""
