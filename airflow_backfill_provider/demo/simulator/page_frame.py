"""The frame around every page: one style for light and dark, no script but for the vendors' fragment links."""

from __future__ import annotations

from html import escape

from aiohttp import web

_STYLE = """
:root { color-scheme: light dark; --text: #1c2330; --quiet: #5d6779; --line: #dfe3ea; --back: #f6f7f9; --card: #fff;
  --link: #1f5fd0; --good: #14713a; --bad: #b3261e; --busy: #1f5fd0; --idle: #6b5a00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ef; --quiet: #9aa4b5; --line: #313a48; --back: #12161d;
  --card: #1a2029; --link: #86b2ff; --good: #6fd695; --bad: #ff9a91; --busy: #86b2ff; --idle: #e3cf6a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header { padding: .7rem 1.5rem; border-bottom: 1px solid var(--line); background: var(--card); }
header a { color: var(--text); font-weight: 600; text-decoration: none; }
header span { color: var(--quiet); margin-left: .6rem; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; overflow-x: auto; }
h1 { font-size: 1.35rem; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
a { color: var(--link); } .quiet { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); }
th, td { padding: .45rem .8rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; } .facts th { width: 11rem; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
.badge { padding: .1rem .55rem; border: 1px solid; border-radius: 1rem; font-size: 13px; white-space: nowrap; }
.success { color: var(--good); } .failed { color: var(--bad); } .running, .cancelling { color: var(--busy); }
.queued, .skipped, .cancelled { color: var(--idle); }
.message { border-left: 3px solid; padding: .3rem .8rem; background: var(--card); overflow-wrap: anywhere; }
.timeline { list-style: none; margin: 0; padding: 0 0 0 1.1rem; border-left: 2px solid var(--line); }
.timeline li { margin: .4rem 0; } .timeline time { color: var(--quiet); margin-left: .5rem; }
"""

# Databricks' and Snowflake's older links keep the run behind the '#', which no server ever sees.
_SCRIPT = """
const job = location.hash.match(/^#job\\/[^\\/]+\\/run\\/(\\d+)/);
const query = location.hash.match(/\\/queries\\/([0-9a-f-]{36})/);
if (job) location.replace('/runs/databricks/' + job[1]);
if (query) location.replace('/runs/snowflake/' + query[1]);
"""


def document(title: str, content: str, *, refresh: int | None = None, status: int = 200) -> web.Response:
    """A whole page; ``content`` is HTML, ``refresh`` renews the page every so many seconds."""
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{again}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        '<body><header><a href="/">Backfill simulator</a> <a href="/messages">Messages</a>'
        "<span>Databricks, dbt Cloud, Snowflake and HTTP jobs, made up</span></header>"
        f"<main>{content}</main><script>{_SCRIPT}</script></body></html>"
    )
    return web.Response(text=text, content_type="text/html", status=status, headers={"Cache-Control": "no-store"})
