"""Take secrets out of a text that a vendor or a library wrote, before it is stored, logged or sent.

A vendor's answer may be a megabyte of anything: no pattern looks at a part of a text again and again, or it looks at a
few characters only.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HIDDEN = "***"
"""What stands in the place of a secret."""
_QUOTE = r"(?P<quote>\\{0,3}['\"])"
"""An opening quote, also as it stands in a text that stands in quotes itself."""
_QUOTED = r"(?:(?P=quote){2}|(?!(?P=quote))(?:\\.|[^\\\r\n]))++"
"""What stands up to the closing quote; up to the end of the line when a cut text has none."""
_IS = r"(?:\\{0,3}['\"]\]?)?[ \t]*+(?>=>|==?|:=?)[ \t]*+"
"""What stands between a name and its value: ``: ``, ``=``, ``=>``, ``': '``."""
_WORD = r"(?:(?<==)\{[^{}\r\n]*+\}|(?!\\{0,3}['\"]|[\[({])(?:(?![&;][A-Za-z][\w.-]{0,99}=)[^\s'\"])++)"
"""A value without quotes: whatever it holds, up to a space or the next name of a query or a connection string. ODBC
puts its own in braces."""
_NAMES = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|\bsig|signature(?=\s*=)"
    r"|(?:api|access|account|private|secret|client|routing|integration|signing|encryption|storage|master|subscription)"
    r"[ _-]?key)\d{0,2}"
)
_HEADERS = r"\b(?:authorization|(?:set-)?cookie)"
_PEM = r"-----BEGIN [A-Z0-9 ]{1,40}-----"


class _Secret(NamedTuple):
    words: tuple[str, ...]
    """It is looked for only where one of these stands: to find a word takes no time beside a pattern."""
    pattern: re.Pattern[str]
    shown: str
    """What is left of it."""


def _secret(words: str, pattern: str, shown: str) -> _Secret:
    return _Secret(tuple(words.split()), re.compile(pattern), shown)


_SECRETS = (
    # keys as they stand in files; one that was cut has no end
    _secret("-----begin", rf"(?s)({_PEM})(?:(?!-----).)*+(?=-----END )", rf"\1{HIDDEN}"),
    _secret("-----begin", rf"({_PEM})(?:(?:\s|\\[rn])*+[A-Za-z0-9+/=]{{12,}}+)++", rf"\1{HIDDEN}"),
    # logins in URLs, up to the last @ before the path; and those whose password holds what begins a path elsewhere:
    # behind a host stands nothing but a port
    _secret("://", r"(://)[^\s/?#'\"]*@", rf"\1{HIDDEN}@"),
    _secret(
        "://",
        r"(://)[^\s/?#:@'\"\[]{0,256}+:(?!\d{0,5}(?:[/?#]|$))[^\s@'\"]{1,256}+@(?:[^\s/?#@'\"]{0,256}+@){0,8}+",
        rf"\1{HIDDEN}@",
    ),
    # addresses that are a key by themselves
    _secret("hooks.slack.com", r"(https?://hooks\.slack\.com/)[^\s'\"<>]+", rf"\1{HIDDEN}"),
    _secret(
        "webhook.office.com logic.azure.com powerplatform.com",
        r"(https?://[^/\s]*(?:webhook\.office|logic\.azure|powerplatform)\.com)[^\s'\"<>]*",
        rf"\1/{HIDDEN}",
    ),
    _secret("/services/", r"(/services/)T\w+/B\w+/\w+", rf"\1{HIDDEN}"),
    # headers, whatever their scheme is called: the value in quotes, all of it in quotes, on a line of its own
    _secret("authorization cookie", rf"(?i)({_HEADERS}{_IS}{_QUOTE}){_QUOTED}", rf"\1{HIDDEN}"),
    _secret(
        "authorization cookie",
        rf"(?i)((?P<quote>['\"]){_HEADERS}[ \t]*+[:=][ \t]*+)(?:(?!(?P=quote))[^\r\n])++",
        rf"\1{HIDDEN}",
    ),
    _secret("authorization cookie", rf"(?i)({_HEADERS}[ \t]*+[:=][ \t]*+)[^\s'\"\[({{\\*][^\r\n]*+", rf"\1{HIDDEN}"),
    _secret(
        "bearer basic",
        r"(?i)\b(bearer|basic)\s+(?=[\w.~+/-]*(?:[\d=]|(?-i:[a-z][A-Z]))|[\w.~+/-]{20})[\w.~+/=-]{6,}",
        rf"\1 {HIDDEN}",
    ),
    # tokens that are known by how they begin
    _secret(
        "xox xapp- dapi dbtc_ dbtu_ gh github_pat_ glpat- akia",
        r"\b(?:xox[a-z]-|xapp-|dapi|dbtc_|dbtu_|gh[pousr]_|github_pat_|glpat-|AKIA)[\w-]{6,}",
        HIDDEN,
    ),
    _secret("eyj", r"(?<![A-Za-z0-9])eyJ[\w-]{10,}+(?:\.[\w-]*+){0,4}", HIDDEN),
    # name: value, name=value, name => 'value', 'name': 'value', and SQL's PASSWORD 'value'
    _secret(
        "pass pwd secret token credential sig key",
        rf"(?i)({_NAMES}{_IS})(?:{_QUOTE}{_QUOTED}|{_WORD})",
        rf"\1\g<quote>{HIDDEN}",
    ),
    _secret("password identified", rf"(?i)(\b(?:password|identified by) (?P<quote>')){_QUOTED}", rf"\1{HIDDEN}"),
)
LONGEST = 4000
"""Characters kept of a text; a vendor's answer may be a whole page."""


def scrub(text: str) -> str:
    """The text with ``***`` for everything that looks like a secret, cut at :data:`LONGEST` characters."""
    text = without_secrets(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def without_secrets(text: str) -> str:
    """The text with ``***`` for everything that looks like a secret, at its full length."""
    lowered = text.lower()
    for secret in _SECRETS:
        if any(word in lowered for word in secret.words):
            text = secret.pattern.sub(secret.shown, text)
    return text
