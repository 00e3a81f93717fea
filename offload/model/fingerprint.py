"""Fingerprints of rows: a count and an order-independent digest."""

from __future__ import annotations

from dataclasses import dataclass

HASH_MODULUS = 2**64


@dataclass(frozen=True)
class Fingerprint:
    """Count and order-independent 64-bit digest of rows; sums of disjoint parts are the fingerprint of the whole."""

    rows: int
    digest: int

    def __add__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(self.rows + other.rows, (self.digest + other.digest) % HASH_MODULUS)

    def __sub__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(self.rows - other.rows, (self.digest - other.digest) % HASH_MODULUS)


EMPTY = Fingerprint(0, 0)


@dataclass(frozen=True)
class SourceFingerprint:
    """The fingerprint of hot rows, and the largest timestamp among them (ticks; None: no row)."""

    fingerprint: Fingerprint
    last: int | None

    def __add__(self, other: SourceFingerprint) -> SourceFingerprint:
        lasts = [last for last in (self.last, other.last) if last is not None]
        return SourceFingerprint(self.fingerprint + other.fingerprint, max(lasts, default=None))


NO_ROWS = SourceFingerprint(EMPTY, None)
