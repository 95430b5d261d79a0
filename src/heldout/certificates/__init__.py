"""Certificates: one file a bound, each with the ledger of its delta. Import the file that defines the thing."""
