"""Take secrets out of a text that a vendor or a library wrote, before it is stored, logged or sent."""

from __future__ import annotations

import re

HIDDEN = "***"
"""What stands in the place of a secret."""
_SECRETS = (
    # logins in URLs
    (re.compile(r"(\w://)[^/\s@]+@"), rf"\1{HIDDEN}@"),
    # addresses that are a key by themselves
    (re.compile(r"(https?://hooks\.slack\.com/)[^\s'\"<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(https?://[^/\s]*(?:webhook\.office|logic\.azure|powerplatform)\.com)[^\s'\"<>]*"), rf"\1/{HIDDEN}"),
    (re.compile(r"(/services/)T\w+/B\w+/\w+"), rf"\1{HIDDEN}"),
    # headers
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # tokens that are known by how they begin
    (re.compile(r"\b(?:xox[a-z]-|xapp-|dapi|dbtc_|dbtu_|ghp_|AKIA)[\w-]{6,}"), HIDDEN),
    # name: value, name=value, name => 'value', 'name': 'value'
    (
        re.compile(
            r"(?i)(['\"]?\b[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
            r"|routing[_-]?key|integration[_-]?key|authorization|credentials?|\bsig)['\"]?\s*(?:=>|[=:])\s*['\"]?)"
            r"(?!\*\*\*)(?:(?:bearer|basic)\s+)?[^\s'\",;&)}\]]+"
        ),
        rf"\1{HIDDEN}",
    ),
)
LONGEST = 4000
"""Characters kept of a text; a vendor's answer may be a whole page."""


def scrub(text: str) -> str:
    """The text with ``***`` for everything that looks like a secret, cut at :data:`LONGEST` characters."""
    text = without_secrets(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def without_secrets(text: str) -> str:
    """The text with ``***`` for everything that looks like a secret, at its full length."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text
