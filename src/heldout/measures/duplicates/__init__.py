"""Parts that serve `measures/leakage.py` alone: exact twins, twins by chance, near twins of rows, images and
tokens."""
