"""Distributions that can be kept small and added up: counted in buckets, each about a hundredth wide.

A bucket is the fiftieth part of an octave (from a power of two to the next one) of whole numbers, as HdrHistogram
divides them (https://hdrhistogram.org). A value is told as the middle of its bucket: at most 1 % from what it was, and
exact below 64. Kept is a bucket per value while there are few; beyond that one counter a bucket, from the lowest to the
highest in use, each as many bytes wide as the largest needs. All counters are added up at once, as one large number in
which each has a place that it cannot outgrow.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from llmdesk.core.measures import Percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 50
"""Buckets in an octave."""

LARGEST = 2**62
"""Whatever is larger counts as this."""

_FEW = 32
"""So many values are kept one by one; a list of them is read as fast as their counters would be, and is smaller."""

_LIST = 0
_COUNTERS = {1: "B", 2: "H", 4: "I"}
"""Bytes of a counter -> the code of an array of them; the first byte of what is kept tells which, or ``_LIST``."""

_HEAD = 4
"""Bytes before the counters: their width, the lowest bucket (two), and the largest count, at most ``_FULL``."""

_FULL = 255
"""What a counter of one byte holds."""

_PLACE = 4
"""Bytes for each counter in a sum: enough for four thousand million values."""


def bucket_of(value: int) -> int:
    """The bucket of a whole number; what is below one counts as zero."""
    if value <= 0:
        return 0
    value = min(value, LARGEST)
    octave = value.bit_length() - 1
    return octave * STEPS + (value * STEPS >> octave) - STEPS + 1


def middle_of(bucket: int) -> float:
    """The middle of the whole numbers in a bucket: what is from both ends as far, in hundredths of them."""
    if bucket == 0:
        return 0.0
    octave, step = divmod(bucket - 1, STEPS)
    lowest = _first_from(octave, step)
    highest = _first_from(octave, step + 1) - 1
    return 2 * lowest * highest / (lowest + highest) if highest > lowest else float(lowest)


def _first_from(octave: int, step: int) -> int:
    return -(-((STEPS + step) << octave) // STEPS)


def put(kept: bytes, buckets: Sequence[int]) -> bytes:
    """What is kept when ``buckets`` are counted too; an empty ``kept`` holds nothing yet."""
    if not buckets:
        return kept
    if not kept or kept[0] == _LIST:
        if len(kept) // 2 + len(buckets) <= _FEW:
            return b"".join([kept or bytes([_LIST]), *(bucket.to_bytes(2, "little") for bucket in buckets)])
        return _counted(Counter(chain(_array("H", kept[1:]), buckets)))
    width, lowest = kept[0], int.from_bytes(kept[1:3], "little")
    if lowest <= min(buckets) and max(buckets) < lowest + (len(kept) - _HEAD) // width:
        if width == 1:
            counters = bytearray(kept)
            for place in (bucket - lowest + _HEAD for bucket in buckets):
                if counters[place] == _FULL:
                    break
                counters[place] += 1
                counters[3] = max(counters[3], counters[place])
            else:
                return bytes(counters)
        else:
            wide = _array(_COUNTERS[width], kept[_HEAD:])
            with suppress(OverflowError):  # beyond what a counter holds
                for bucket in buckets:
                    wide[bucket - lowest] += 1
                return kept[:_HEAD] + _bytes(wide)
    return _counted(Counter(dict(enumerate(_array(_COUNTERS[width], kept[_HEAD:]), lowest))) + Counter(buckets))


def _counted(counts: Counter[int]) -> bytes:
    lowest, largest = min(counts), max(counts.values())
    width = next(width for width in _COUNTERS if largest < 256**width)
    counters = array(_COUNTERS[width], bytes(width * (max(counts) - lowest + 1)))
    for bucket, count in counts.items():
        counters[bucket - lowest] = count
    return bytes([width]) + lowest.to_bytes(2, "little") + bytes([min(largest, _FULL)]) + _bytes(counters)


def _bytes(numbers: array[int]) -> bytes:
    """Little-endian on every machine."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _array(code: str, content: bytes) -> array[int]:
    numbers = array(code, content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class Tally:
    """Distributions added up, whatever their number."""

    def __init__(self) -> None:
        self._sum = 0  # of every counter, in ``_PLACE`` bytes each
        self._narrow = 0  # of counters of one byte, in one byte each, until the fullest of them may be full
        self._room = _FULL  # how much that one may still grow
        self._lists: list[bytes] = []
        self._single: Counter[int] = Counter()
        self._low: int | None = None
        self._high: int | None = None

    def bound(self, low: int | None, high: int | None) -> None:
        """Tell the smallest and the largest of the values that are added; ``None`` = there were none."""
        if low is not None:
            self._low = low if self._low is None else min(low, self._low)
        if high is not None:
            self._high = high if self._high is None else max(high, self._high)

    def add(self, kept: bytes) -> None:
        """Add what ``put`` has made."""
        if not kept:
            return
        width = kept[0]
        if width == _LIST:
            self._lists.append(kept[1:])
            return
        lowest = kept[1] | kept[2] << 8
        if width > 1:
            self._sum += _apart(kept[_HEAD:], width) << (8 * _PLACE * lowest)
            return
        if kept[3] > self._room:
            self._widen()
        self._room -= kept[3]
        self._narrow += int.from_bytes(kept[_HEAD:], "little") << (8 * lowest)

    def count(self, values: Sequence[int]) -> None:
        """Add values."""
        self._single.update(map(bucket_of, values))
        self.bound(min(values, default=None), max(values, default=None))

    def _widen(self) -> None:
        self._sum += _apart(self._narrow.to_bytes((self._narrow.bit_length() + 7) // 8, "little"), 1)
        self._narrow, self._room = 0, _FULL

    def percentiles(self, unit: int) -> Percentiles | None:
        """The median and the slow end, in multiples of ``unit``; ``None`` = there are no values.

        A percentile is the smallest value that so many hundredths of all do not exceed (nearest rank). It is told with
        four digits; the smallest and the largest value, where they were told, are exact.
        """
        self._widen()
        places = -(-self._sum.bit_length() // (8 * _PLACE))
        counts = list(struct.unpack(f"<{places}I", self._sum.to_bytes(places * _PLACE, "little")))
        single = self._single + Counter(_array("H", b"".join(self._lists)))
        if single:
            counts += [0] * (max(single) + 1 - places)
            for bucket, number in single.items():
                counts[bucket] += number
        up_to = list(accumulate(counts))
        total = up_to[-1] if up_to else 0
        if total == 0:
            return None
        ranks = (math.ceil(total * hundredths / 100) for hundredths in (50, 95, 99))
        p50, p95, p99 = (self._value(bisect_left(up_to, rank), rank, total) / unit for rank in ranks)
        return Percentiles(count=total, p50=p50, p95=p95, p99=p99)

    def _value(self, bucket: int, rank: int, total: int) -> float:
        """What to tell of the value that is the ``rank``-th of ``total``."""
        low, high = self._low, self._high
        if low is not None and rank == 1:
            return low
        if high is not None and rank == total:
            return high
        value = float(f"{middle_of(bucket):.4g}")
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)


def _apart(counters: bytes, width: int) -> int:
    """Counters of so many bytes as one number, in ``_PLACE`` bytes each."""
    wide = bytearray(len(counters) // width * _PLACE)
    for byte in range(width):
        wide[byte::_PLACE] = counters[byte::width]
    return int.from_bytes(wide, "little")
