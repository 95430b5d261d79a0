"""One file a control: what a simple thing gets on the same split. scikit-learn does the work."""
