"""Coverage: which run dates of a pipeline are settled, as bitmaps. A date costs three bits, and sets are one operation.

Bitmaps are Python integers; bit 0 is the first day of what they cover. The registry keeps one :class:`YearBits` for
each pipeline, year and definition version; :func:`covered` puts the years of a range together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from itertools import compress
from typing import NamedTuple

YEAR_BYTES = 46
"""366 bits."""
_SPARSE = 8
"""One set bit in so many, and fewer, are found byte by byte; more are found by looking at every bit."""
_TO_TRUTH = bytes.maketrans(b"01", b"\x00\x01")


class YearKey(NamedTuple):
    """Whose dates, of which year, done by which version of the definition (empty: not known)."""

    pipeline_id: str
    year: int
    version: str


class YearBits(NamedTuple):
    """The dates of a year whose newest decisive record was written by one version. Bit 0 is 1 January."""

    success: int = 0
    failed: int = 0
    stale: int = 0
    """Of the successes, those that a person marked, or whose upstream succeeded again, since."""

    def without(self, days: int) -> YearBits:
        """The same, with nothing said of these days."""
        return YearBits(self.success & ~days, self.failed & ~days, self.stale & ~days)

    def union(self, other: YearBits) -> YearBits:
        """What either of them says."""
        return YearBits(self.success | other.success, self.failed | other.failed, self.stale | other.stale)


KeptYear = tuple[str, int, str, bytes | None, bytes | None, bytes | None]
"""Pipeline, year, version; then success, failed and stale as :func:`to_bytes` keeps them."""


class Covered(NamedTuple):
    """What is settled of one pipeline's dates in a range; bit 0 is its first day."""

    success: int = 0
    failed: int = 0
    stale: int = 0
    others: int = 0
    """Of the successes, those that another version of the definition made."""

    @property
    def known(self) -> int:
        """The dates that have a decisive record."""
        return self.success | self.failed


NOTHING = Covered()


def covered(kept: Iterable[KeptYear], versions: Mapping[str, str], first: int) -> dict[str, Covered]:
    """The years of each pipeline put together, from the day number ``first`` on.

    ``versions`` are today's definitions; what is kept of other pipelines is passed over.
    """
    found: dict[str, list[int]] = {}
    for name, year, version, success, failed, stale in kept:
        today = versions.get(name)
        if today is None:
            continue
        known = found.get(name)
        if known is None:
            known = found[name] = [0, 0, 0, 0]
        shift = new_year(year) - first
        if success:
            done = _moved(from_bytes(success), shift)
            known[0] |= done
            if version and version != today:
                known[3] |= done
        if failed:
            known[1] |= _moved(from_bytes(failed), shift)
        if stale:
            known[2] |= _moved(from_bytes(stale), shift)
    return {name: Covered(*known) for name, known in found.items()}


def differences(kept: Mapping[YearKey, YearBits], true: Mapping[YearKey, YearBits]) -> dict[str, list[date]]:
    """The dates about which two readings of the same pipelines disagree, ascending, by pipeline."""
    found: dict[str, set[int]] = {}
    for key in kept.keys() | true.keys():
        one, other = kept.get(key, YearBits()), true.get(key, YearBits())
        wrong = (one.success ^ other.success) | (one.failed ^ other.failed) | (one.stale ^ other.stale)
        if wrong:
            found.setdefault(key.pipeline_id, set()).update(days_of(wrong, new_year(key.year)))
    return {name: [date.fromordinal(day) for day in sorted(days)] for name, days in sorted(found.items())}


@cache
def new_year(year: int) -> int:
    """The day number of 1 January."""
    return date(year, 1, 1).toordinal()


def day_bit(day: date) -> int:
    """The bit of a date in its year."""
    return 1 << (day.toordinal() - new_year(day.year))


def bits_of(days: Iterable[int], first: int, length: int) -> int:
    """The bitmap of day numbers, each from ``first`` on and fewer than ``length`` days later."""
    if isinstance(days, range) and days.step == 1:
        return span_bits(days.start - first, len(days))
    buffer = bytearray(length // 8 + 1)
    for day in days:
        place = day - first
        buffer[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(buffer, "little")


def span_bits(start: int, length: int) -> int:
    """``length`` bits from ``start`` on, which may lie before bit 0."""
    return _moved((1 << max(length, 0)) - 1, start)


def days_of(bits: int, first: int) -> list[int]:
    """The day numbers of a bitmap, ascending."""
    length = bits.bit_length()
    if bits.bit_count() * _SPARSE > length:
        return list(compress(range(first, first + length), _truths(bits)))
    return _byte_by_byte(bits, first)


def dates_of(bits: int, first: int) -> list[date]:
    """The dates of a bitmap, ascending."""
    kept = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    found: list[date] = []
    for (start, dates), byte in zip(_eight_days(first, -(-len(kept) // 256)), kept, strict=False):
        if byte:
            found += dates[byte] or _fill(dates, byte, start)
    return found


def to_bytes(bits: int) -> bytes | None:
    """How a year's bitmap is kept; None when it is empty."""
    return bits.to_bytes(YEAR_BYTES, "little") if bits else None


def from_bytes(kept: bytes | None) -> int:
    """The inverse of :func:`to_bytes`."""
    return int.from_bytes(kept, "little") if kept else 0


def _moved(bits: int, shift: int) -> int:
    return bits << shift if shift >= 0 else bits >> -shift


def _truths(bits: int) -> bytes:
    """One byte for each bit, the lowest first: 1 or 0."""
    return f"{bits:b}".encode().translate(_TO_TRUTH)[::-1]


@lru_cache(maxsize=8)
def _eight_days(first: int, parts: int) -> list[tuple[int, list[tuple[date, ...]]]]:
    """The first of each eight days from a day on, and the dates of each byte they may have, once it was met.

    Many pipelines are asked about the same range, and a whole byte is looked up as fast as a bit.
    """
    return [(first + 8 * place, [()] * 256) for place in range(256 * parts)]


def _fill(dates: list[tuple[date, ...]], byte: int, start: int) -> tuple[date, ...]:
    dates[byte] = tuple(date.fromordinal(start + bit) for bit in _BITS[byte])
    return dates[byte]


def _byte_by_byte(bits: int, first: int) -> list[int]:
    """The places of the bits, counted from ``first``: byte by byte, and most bytes are empty."""
    kept = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    start = range(first, first + 8 * len(kept), 8)
    return [place + bit for place, byte in zip(start, kept, strict=True) if byte for bit in _BITS[byte]]


_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
