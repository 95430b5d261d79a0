"""Architectures over populations: one file each. Import the file that defines the thing."""
