"""Bind variables in SQL text: found where they are meant, filled by the driver, never pasted in. Pure.

A ``:name`` inside a string, a quoted name or a comment is text; ``::`` is a cast, ``:=`` an assignment, and a colon
right after a name is a path into JSON (``payload:customer``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_backfill_provider.errors import PlatformError

_TOKEN = r"""
      (?P<text> '(?:[^'%s]|''%s)*' | "(?:[^"]|"")*" | `[^`]*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
              | --[^\n]* | /\*.*?\*/ | :: | := )
    | (?<![\w\])"$:]) : (?P<name> [A-Za-z_]\w* )
    | (?P<mark> \? )
    | (?P<end> ; )
    """
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_STANDARD = re.compile(_TOKEN % ("", ""), re.VERBOSE | re.DOTALL)
_BACKSLASH = re.compile(_TOKEN % (r"\\", r"|\\."), re.VERBOSE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a statement: plain text, or a bind variable by name, or a nameless ``?``."""

    text: str
    name: str | None = None
    mark: bool = False


def statements_of(sql: str, *, backslash_escapes: bool = False) -> list[list[Piece]]:
    """The statements of a text, each in pieces; what is empty or only a comment is left out.

    ``backslash_escapes`` tells how the dialect reads strings: whether a quote after a backslash belongs to the string.
    """
    statements: list[list[Piece]] = [[]]
    at = 0
    for token in (_BACKSLASH if backslash_escapes else _STANDARD).finditer(sql):
        if token["text"] is not None:
            continue
        statements[-1].append(Piece(sql[at : token.start()]))
        at = token.end()
        if token["end"]:
            statements.append([])
        else:
            statements[-1].append(Piece(token[0], name=token["name"], mark=bool(token["mark"])))
    statements[-1].append(Piece(sql[at:]))
    return [pieces for pieces in statements if _COMMENT.sub("", "".join(piece.text for piece in pieces)).strip()]


def names_in(pieces: Iterable[Piece]) -> list[str]:
    """The names of the bind variables, in order, each as often as it stands there."""
    return [piece.name for piece in pieces if piece.name is not None]


def refuse_unknown(names: Iterable[str], parameters: Mapping[str, str]) -> None:
    """Raise for a bind variable that no parameter fills; the message names what there is."""
    unknown = sorted({name for name in names if name not in parameters})
    if unknown:
        raise PlatformError(
            f"no parameter is called {', '.join(map(repr, unknown))}; there are {', '.join(parameters)}",
            retryable=False,
        )


def refuse_lost_dates(names: Iterable[str], days: int) -> None:
    """Raise when a batch of several run dates would reach the job as one date: the others would pass for done."""
    given = set(names)
    if days > 1 and "run_date" in given and not ("run_dates" in given or {"first_run_date", "last_run_date"} <= given):
        raise PlatformError(
            f"{days} run dates are to be processed at once, but the statement takes only run_date; let it take "
            "run_dates, or first_run_date and last_run_date, or set multi_date_allowed to false",
            retryable=False,
        )


def positional(pieces: Sequence[Piece], placeholder: str) -> str:
    """The text with ``placeholder`` in the place of every name."""
    return "".join(placeholder if piece.name is not None else piece.text for piece in pieces).strip()


def in_style(pieces: Sequence[Piece], parameters: Mapping[str, str], style: str) -> tuple[str, object]:
    """The text and the values as a driver of that DB-API ``paramstyle`` takes them.

    The values are None when there is no bind variable: drivers that read ``%`` then leave the text alone.
    """
    names = names_in(pieces)
    if not names:
        return "".join(piece.text for piece in pieces).strip(), None
    if style == "numeric":
        order = iter(range(1, len(names) + 1))
        text = "".join(f":{next(order)}" if piece.name is not None else piece.text for piece in pieces)
        return text.strip(), [parameters[name] for name in names]
    if style in ("named", "pyformat"):
        text = "".join(_named(piece, style) for piece in pieces)
        return text.strip(), {name: parameters[name] for name in names}
    percent = [piece if style == "qmark" else _doubled(piece) for piece in pieces]
    return positional(percent, "?" if style == "qmark" else "%s"), tuple(parameters[name] for name in names)


def _named(piece: Piece, style: str) -> str:
    if style == "named":
        return piece.text
    return _doubled(piece).text if piece.name is None else f"%({piece.name})s"


def _doubled(piece: Piece) -> Piece:
    return Piece(piece.text.replace("%", "%%"), piece.name, piece.mark)
