"""Studies: one file a claim. A study is found by its file name; nothing is registered (docs/adding-a-study.md)."""
