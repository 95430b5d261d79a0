"""One file a command: its options, and what it does. Nothing heavy is imported before a command runs."""
