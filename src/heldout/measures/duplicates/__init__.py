"""Parts that serve `measures/leakage.py` and `measures/copies.py`: exact twins, twins by chance, near twins of rows, images and
tokens."""
