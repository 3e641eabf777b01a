"""Disclosure audit: from sums that are published, nobody takes those of one to nine homes by subtracting.

Each published row that speaks of homes stands for a set of them. Two rows whose sets differ by one to nine homes give away
those few; so does a place less the sum of the rows of one layer that lie in it (its rest), and the rows of one layer that
cover a place less that place. What no single subtraction gives, several layers together may: all published sums are one set of
linear equations in the homes, and every combination of them, of any number of rows, that leaves one to nine homes is sought,
exactly and in full.

References
----------
.. [1] A. Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4: primary and secondary suppression in tables.
.. [2] J. Oxley, Matroid Theory, Oxford 2011, section 2.2: vectors of least support in a row space (cocircuits).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import isqrt, lcm
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

LEAST_HOMES = 10
#: Layers with rows that stand for homes, by their key, from coarse to fine: of two rows that cannot both be shown, the finer
#: one goes.
_KEYS = {
    "buurt_score": ("buurtcode",),
    "gebied": ("gebied_id",),
    "best_area": ("best_id",),
    "best_variant": ("variant_id",),
    "enterprise_case": ("place_kind", "place_id"),
    "block": ("block_id",),
    "street_water": ("street_id",),
    "street_score": ("street_key",),
}
COARSE_TO_FINE = tuple(_KEYS)
#: Steps of the search for sums with one part; where it would take more, the part counts as given away.
_MOST_STEPS = 2_000
#: Exponents of Mersenne's primes: the first is enough for weights below 10^9, the last for any of 10,000 rows.
_PRIMES = (61, 127, 521, 2203, 9689, 44497)
#: A sum of homes: how often each part counts in it and, by -1 less its number, each published row that it is made of, modulo
#: a prime.
_Line = dict[int, int]


@dataclass(frozen=True)
class Finding:
    """Homes that can be taken by subtracting [1], from which rows (layer and key), and how."""

    how: str
    rows: tuple[tuple[str, str], ...]
    homes: int
    drop: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.homes} homes: {self.how} {' - '.join(':'.join(one) for one in self.rows[:2])}"


@dataclass(frozen=True)
class Homes:
    """The homes of a study, and what each belongs to: tables as they are stored, which are not published.

    Attributes
    ----------
    frame : DataFrame
        ``home_id``, and where they are ``buurtcode``, ``street_key``, ``street_id``, ``block_id``, ``gebied_id``.
    member : mapping of str to str
        Block to the group of blocks in which it is published; a block itself where blocks are published one by one.
    best : mapping of str to sequence of str
        Best area to the blocks that it was made of.
    """

    frame: pd.DataFrame
    member: Mapping[str, str]
    best: Mapping[str, Sequence[str]]

    def of(self, layer: str, key: str) -> NDArray[np.intp]:
        """Return the row numbers of the homes that one published row stands for."""
        if layer == "enterprise_case":
            kind, _, name = key.partition(":")
            if kind == "best":
                return self._in_blocks(self.best.get(name, ()))
            return self._where({"buurt": "buurtcode"}.get(kind, f"{kind}_id"), name)
        if layer in ("best_area", "best_variant"):
            return self._in_blocks(self.best.get(key, ()))
        if layer == "block":
            return self._in_blocks([block for block, group in self.member.items() if group == key])
        return self._where(_KEYS[layer][0], key)

    def _where(self, column: str, key: str) -> NDArray[np.intp]:
        return self._groups(column).get(key, np.empty(0, np.intp))

    def _in_blocks(self, blocks: Iterable[str]) -> NDArray[np.intp]:
        groups = self._groups("block_id")
        return np.concatenate([np.empty(0, np.intp), *(groups[one] for one in blocks if one in groups)])

    def _groups(self, column: str) -> dict[str, NDArray[np.intp]]:
        cache: dict[str, dict[str, NDArray[np.intp]]] = self.__dict__.setdefault("_cache", {})
        if column not in cache:
            named = self.frame[column].dropna() if column in self.frame else pd.Series(dtype=object)
            place = pd.Series(self.frame.index.get_indexer(named.index), index=named.map(_key))
            cache[column] = {str(key): part.to_numpy(np.intp) for key, part in place.groupby(level=0)}
        return cache[column]


def _key(value: Any) -> str:
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def rows_of(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Return layer and key of every published row that stands for homes, from coarse to fine."""
    out = []
    for layer in COARSE_TO_FINE:
        if layer in tables and len(tables[layer]):
            out += [(layer, key) for key in dict.fromkeys(keys_of(layer, tables[layer]))]
    return out


def keys_of(layer: str, frame: pd.DataFrame) -> list[str]:
    """Return the key of each row of a layer as text."""
    return [":".join(map(_key, row)) for row in frame[list(_KEYS[layer])].itertuples(index=False, name=None)]


def audit(tables: Mapping[str, pd.DataFrame], homes: Homes) -> list[Finding]:
    """Return what can be taken from published tables by subtracting: nothing, if all is well.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        All layers of one edition, as published.
    homes : Homes
        The homes behind them.

    Returns
    -------
    list of Finding
        Sets of one to nine homes [1], each with the finest row that gives them away.
    """
    rows = rows_of(tables)
    return _both(_Sums(rows, homes), np.ones(len(rows), bool))


def to_leave_out(tables: Mapping[str, pd.DataFrame], homes: Homes) -> set[tuple[str, str]]:
    """Return the rows to leave out so that nothing can be taken from the others: secondary suppression [1]_.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        What one would like to publish.
    homes : Homes
        The homes behind it.

    Returns
    -------
    set of (str, str)
        Layer and key of each, the finest first.
    """
    every = rows_of(tables)
    left = every
    # Homes that only a row left out told apart are one part without it: look again until nothing more goes.
    while gone := _suppressed(left, homes):
        left = [row for row in left if row not in gone]
    return set(every) - set(left)


def _suppressed(rows: Sequence[tuple[str, str]], homes: Homes) -> set[tuple[str, str]]:
    number = {row: at for at, row in enumerate(rows)}
    sums, alive = _Sums(rows, homes), np.ones(len(rows), bool)
    for layer in np.unique(sums.layer):  # from coarse to fine: what a finer layer gives away costs no coarser row
        while found := _both(sums, alive & (sums.layer <= layer)):
            for one in found:
                if all(alive[number[row]] for row in one.rows):  # else it is gone with a row left out just now
                    alive[number[one.drop]] = False
    return {row for row, kept in zip(rows, alive, strict=True) if not kept}


def _both(sums: _Sums, alive: NDArray[np.bool_]) -> list[Finding]:
    return sums.findings(alive) or sums.combined(alive)


class _Sums:
    """The homes of rows against each other: how many they share."""

    def __init__(self, rows: Sequence[tuple[str, str]], homes: Homes) -> None:
        self.rows = rows
        sets = [np.unique(homes.of(*row)) for row in rows]
        self.size = np.array([len(one) for one in sets], int)
        starts = np.concatenate([[0], np.cumsum(self.size)])
        columns = np.concatenate([np.empty(0, np.intp), *sets])
        shape = (len(rows), len(homes.frame))
        matrix = sparse.csr_matrix((np.ones(len(columns), np.int32), columns, starts), shape=shape)
        self.shared = (matrix @ matrix.T).tocoo()
        self.parts, self.part_size = _indivisible(matrix)
        self.layer = np.array([COARSE_TO_FINE.index(layer) for layer, _ in rows], int)

    def findings(self, alive: NDArray[np.bool_]) -> list[Finding]:
        """Return what the rows that are alive give away, each finding with the row that should go."""
        return [*self._small(alive), *self._pairs(alive), *self._layers(alive)]

    def _small(self, alive: NDArray[np.bool_]) -> list[Finding]:
        few = np.flatnonzero(alive & (self.size > 0) & (self.size < LEAST_HOMES))
        return [Finding("stands alone", (self.rows[int(i)],), int(self.size[i]), self.rows[int(i)]) for i in few]

    def _pairs(self, alive: NDArray[np.bool_]) -> list[Finding]:
        a, b, both = self.shared.row, self.shared.col, self.shared.data
        differ = self.size[a] + self.size[b] - 2 * both
        bad = (a < b) & alive[a] & alive[b] & (differ > 0) & (differ < LEAST_HOMES)
        return [
            Finding("differ", (self.rows[i], self.rows[j]), int(rest), self._finer([i, j]))
            for i, j, rest in zip(a[bad].tolist(), b[bad].tolist(), differ[bad].tolist(), strict=True)
        ]

    def _finer(self, some: Sequence[int]) -> tuple[str, str]:
        return self.rows[max(some, key=lambda at: (self.layer[at], -self.size[at]))]

    def _layers(self, alive: NDArray[np.bool_]) -> list[Finding]:
        """Hold each row against the rows of each finer layer that lie in it, and that cover it."""
        a, b, both = self.shared.row, self.shared.col, self.shared.data
        use = alive[a] & alive[b] & (self.layer[b] > self.layer[a])
        parent, child, both = a[use], b[use], both[use]
        key, size = parent * len(COARSE_TO_FINE) + self.layer[child], self.size[child]
        count = len(self.size) * len(COARSE_TO_FINE)
        inside = both == size
        lying, touching, shared = (
            np.bincount(key, weights, count) for weights in (np.where(inside, size, 0), size, both)
        )
        whole = np.repeat(self.size, len(COARSE_TO_FINE))
        rest, over = whole - lying, touching - whole
        left = (lying > 0) & (rest > 0) & (rest < LEAST_HOMES)
        covers = ~left & (shared == whole) & (over > 0) & (over < LEAST_HOMES)
        return [
            self._between("rest of", key == at, inside, parent, child, int(rest[at]))
            if left[at]
            else self._between("cover of", key == at, np.ones_like(inside), parent, child, int(over[at]))
            for at in np.flatnonzero(left | covers)
        ]

    def combined(self, alive: NDArray[np.bool_]) -> list[Finding]:
        """Return the few homes of which all rows together say anything, as sums and differences of any number of them.

        The row to leave out is of the finest layer, and there the one that weighs most in the sum.
        """
        numbers = np.flatnonzero(alive)
        found: list[Finding] = []
        for parts, weights in _few(self.parts[numbers], self.part_size):
            order = sorted(weights, key=lambda at: (-weights[at], self.size[numbers[at]], at))
            used = [int(numbers[at]) for at in order]
            drop = max(used, key=lambda at: self.layer[at])
            homes = int(self.part_size[list(parts)].sum())
            found.append(Finding("combined", tuple(self.rows[at] for at in used), homes, self.rows[drop]))
        return found

    def _between(
        self,
        how: str,
        mine: NDArray[np.bool_],
        counted: NDArray[np.bool_],
        parent: NDArray[np.integer[Any]],
        child: NDArray[np.integer[Any]],
        homes: int,
    ) -> Finding:
        some = child[mine & counted]
        least = int(min(some, key=lambda at: (self.size[at], at)))
        return Finding(how, (self.rows[int(parent[mine][0])], self.rows[least]), homes, self.rows[least])


def _indivisible(matrix: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[np.intp]]:
    """Join homes that lie in the same rows: no sum tells them apart. Return rows by parts, and the homes of each part [1]."""
    columns = matrix.tocsc()
    keys: dict[bytes, int] = {}
    of = [keys.setdefault(columns.indices[first:last].tobytes(), len(keys)) for first, last in pairwise(columns.indptr)]
    numbers, first = np.unique(np.array(of, np.intp), return_index=True)
    return columns[:, first].tocsr().astype(float), np.bincount(of, minlength=len(numbers))


def _few(rows: sparse.csr_matrix, size: NDArray[np.intp]) -> list[tuple[frozenset[int], dict[int, Fraction]]]:
    """Return the smallest sets of parts, of one to nine homes in all, of which the rows leave a sum without any other part.

    Each with the weight of every row in that sum. First the parts of ten homes and more are eliminated; what is left speaks of
    small parts only, and is searched for sums of few homes [2]_. All of it modulo a prime, of which the answer is proven in
    fractions: rows may have a lower rank modulo a prime than they have, never a higher one. Where each sum that came out as
    nothing is nothing, the rank is the same, so that a sum of few homes (scaled until the prime does not divide it) is one
    modulo the prime too: none is missed. Each that was found is then added up exactly. What cannot be proven is done again
    with a larger prime.
    """
    members = [rows.indices[first:last].tolist() for first, last in pairwise(rows.indptr)]
    large = {int(one) for one in np.flatnonzero(size >= LEAST_HOMES)}
    proven = (_few_modulo(2**power - 1, members, large, size) for power in _PRIMES)
    return next(one for one in proven if one is not None)


def _few_modulo(
    prime: int, members: list[list[int]], large: set[int], size: NDArray[np.intp]
) -> list[tuple[frozenset[int], dict[int, Fraction]]] | None:
    """Search modulo a prime; nothing where not all of the answer could be proven."""
    lines = [dict.fromkeys([*parts, -1 - at], 1) for at, parts in enumerate(members)]
    field = _Field(prime)
    left = field.without(lines, large)
    solved = field.echelon(left)
    if any(_added(_rational(line, prime), members) for line in field.nothing):
        return None
    search, out = _Search(field, solved, size), []
    for parts in search.sets():
        line, decided = search.sum_of(parts)
        weights = _rational(line, prime)
        total = _added(weights, members)
        if decided and not (total and total.keys() <= parts):
            return None
        out.append((parts, {row: abs(value) for row, value in weights.items()}))
    return out


def _added(weights: Mapping[int, Fraction], members: Sequence[Sequence[int]]) -> dict[int, int]:
    """Add rows up by their weights, in whole numbers: of each part that does not cancel how often it counts, to scale."""
    scale = lcm(*(one.denominator for one in weights.values()))
    total: dict[int, int] = {}
    for row, value in weights.items():
        times = value.numerator * (scale // value.denominator)
        for part in members[row]:
            total[part] = total.get(part, 0) + times
    return {part: times for part, times in total.items() if times}


def _rational(line: _Line, prime: int) -> dict[int, Fraction]:
    """Return the weight of each row in a sum: the one fraction of small terms that is its remainder modulo the prime."""
    return {-1 - key: _fraction(value, prime) for key, value in line.items() if key < 0}


def _fraction(value: int, prime: int) -> Fraction:
    bound = isqrt(prime // 2)
    above, below, times_above, times_below = prime, value, 0, 1
    while below > bound:
        whole = above // below
        above, below = below, above - whole * below
        times_above, times_below = times_below, times_above - whole * times_below
    return Fraction(below, times_below)


def _parts_of(line: _Line) -> list[int]:
    return [key for key in line if key >= 0]


class _Field:
    """Sums of rows, with weights modulo a prime; what came out as nothing is kept, to be proven."""

    def __init__(self, prime: int) -> None:
        self.prime = prime
        self.nothing: list[_Line] = []

    def take(self, line: _Line, times: int, other: _Line) -> None:
        """Take a line a number of times off another, in place."""
        prime = self.prime
        for key, value in other.items():
            if left := (line.get(key, 0) - times * value) % prime:
                line[key] = left
            else:
                del line[key]

    def without(self, lines: list[_Line], large: set[int]) -> list[_Line]:
        """Return what the lines say of the other parts: each large one is solved from the shortest line that has it [2]_."""
        holders: dict[int, set[int]] = {}
        for at, line in enumerate(lines):
            for part in _parts_of(line):
                holders.setdefault(part, set()).add(at)
        waiting = [(len(holders[part]), part) for part in sorted(large) if part in holders]
        heapify(waiting)
        while waiting:
            count, part = heappop(waiting)
            if not (mine := holders[part]):
                continue
            if len(mine) != count:
                heappush(waiting, (len(mine), part))
                continue
            first = min(mine, key=lambda at: (len(lines[at]), at))
            chosen = lines[first]
            inverse = pow(chosen[part], -1, self.prime)
            for at in sorted(mine - {first}):
                before = set(lines[at])
                self.take(lines[at], lines[at][part] * inverse % self.prime, chosen)
                for key in before ^ set(lines[at]):
                    if key >= 0:
                        holders[key] ^= {at}
            for key in _parts_of(chosen):
                holders[key].discard(first)
            lines[first] = {}
        self.nothing += [line for line in lines if line and not _parts_of(line)]
        return [line for line in lines if _parts_of(line)]

    def echelon(self, lines: list[_Line], among: frozenset[int] | None = None) -> dict[int, _Line]:
        """Return the lines solved each for one part (of some), which no other then has; those that follow are nothing."""
        solved: dict[int, _Line] = {}
        for line in lines:
            for part in [one for one in line if one in solved]:
                if part in line:
                    self.take(line, line[part], solved[part])
            if not (mine := [key for key in _parts_of(line) if among is None or key in among]):
                if among is None:
                    self.nothing.append(line)
                continue
            part = min(mine)
            inverse = pow(line[part], -1, self.prime)
            solved[part] = {key: value * inverse % self.prime for key, value in line.items()}
            for other in solved:
                if other != part and part in solved[other]:
                    self.take(solved[other], solved[other][part], solved[part])
        return solved


class _Search:
    """Looks for sums of few homes among lines that are solved each for one part.

    A sum of the lines has to be 0 in every part outside a set. For each part that is solved for nothing, that is one
    equation, so a set cannot have just one part of an equation: each step takes one more of it [2]_.
    """

    def __init__(self, field: _Field, solved: dict[int, _Line], size: NDArray[np.intp]) -> None:
        self.field, self.solved, self.size = field, solved, size.tolist()
        self.equation: dict[int, _Line] = {}
        for part, line in solved.items():
            for key in _parts_of(line):
                if key != part:
                    self.equation.setdefault(key, {key: 1})[part] = field.prime - line[key]
        self.with_part: dict[int, list[int]] = {}
        for name, terms in self.equation.items():
            for part in terms:
                self.with_part.setdefault(part, []).append(name)
        self.steps = 0

    def sets(self) -> list[frozenset[int]]:
        """Return the smallest sets; a part whose search would go on too long counts as one, so that its row goes."""
        out: set[frozenset[int]] = set()
        for part in sorted(set(self.solved) | set(self.with_part)):
            if self.size[part] < LEAST_HOMES:
                self.steps = 0
                found = set(self._from(frozenset([part]), LEAST_HOMES - 1 - self.size[part]))
                out |= found if self.steps < _MOST_STEPS else {frozenset([part])}
        return sorted(
            (one for one in out if not any(other < one for other in out)), key=lambda one: (len(one), sorted(one))
        )

    def _from(self, chosen: frozenset[int], left: int) -> Iterator[frozenset[int]]:
        self.steps += 1
        if self.steps >= _MOST_STEPS:
            return
        names = sorted({name for part in chosen for name in self.with_part.get(part, ())})
        alone = self.field.echelon([dict(self.equation[name]) for name in names], chosen)
        if len(alone) < len(chosen):
            yield chosen
            return
        ways = [[one for one in terms if one not in chosen and self.size[one] <= left] for terms in alone.values()]
        fewest = min(ways, key=len)
        for part in sorted(fewest):
            yield from self._from(chosen | {part}, left - self.size[part])

    def sum_of(self, parts: frozenset[int]) -> tuple[_Line, bool]:
        """Return a sum of these parts only and true; of what was not decided any line that has one of them, and false."""
        lines = [dict(self.solved[part]) for part in sorted(parts) if part in self.solved]
        sums = self.field.without(lines, {key for line in lines for key in _parts_of(line)} - parts)
        return (sums[0], True) if sums else (next(one for one in self.solved.values() if parts & one.keys()), False)
