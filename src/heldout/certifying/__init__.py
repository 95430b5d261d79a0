"""Composition of certificates: what each bound needs is trained here, and its rows are put side by side."""
