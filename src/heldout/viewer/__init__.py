"""The page: an audit report as one offline HTML file; needs neither torch nor Node (see `assets/`)."""

from heldout.viewer.report import ReportError, render_report

__all__ = ["ReportError", "render_report"]
