"""The HTML that the viewer starts from: a script and a stylesheet by name, nothing inline.

>>> "assets/view.js" in shell(), "Content-Security-Policy" in shell(POLICY_ON_DISK)
(True, True)
"""

from __future__ import annotations

import html

ASSETS = {"view.js": "text/javascript", "view.css": "text/css"}
# Opened from disk there is no server to send a policy, so it stands in the file. The data are scripts in `data/`.
POLICY_ON_DISK = "; ".join(
    [
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src data:", "base-uri 'none'"),
        *("form-action 'none'", "require-trusted-types-for 'script'", "trusted-types heldout"),
    ]
)


def shell(policy: str = "", scripts: tuple[str, ...] = ()) -> str:
    """The page. `policy`: a content security policy to stand in it; `scripts`: files to load before the viewer."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n' if policy else ""
    loaded = "".join(
        f'<script src="{html.escape(name)}"></script>\n' for name in (*scripts, "assets/view.js")
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{meta}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="assets/view.css">\n'
        "<title>heldout</title>\n</head>\n<body>\n"
        "<noscript><h1>heldout</h1><p>The pages are drawn by a script; allow scripts to see them.</p></noscript>\n"
        f'<div id="page"></div>\n{loaded}</body>\n</html>\n'
    )
