"""The annealing loop of a partition: blocks change area one by one, and now and then two areas are redrawn."""

from __future__ import annotations

import numpy as np

from kansenkaart.core.area.kernel import Floats, Ints, kernel
from kansenkaart.core.area.recombine import flip_gain, flip_relief, recombine, scratch_for, whole_without


@kernel
def cut_of(indptr: Ints, nbr: Ints, weight: Floats, label: Ints) -> float:
    """Weighted border between areas, each border once [m]."""
    cut = 0.0
    for u in range(len(label)):
        for k in range(indptr[u], indptr[u + 1]):
            if label[nbr[k]] != label[u]:
                cut += weight[k]
    return cut / 2


@kernel
def anneal_partition(
    indptr: Ints, nbr: Ints, weight: Floats, homes: Ints, label: Ints, low: Ints, high: Ints,
    heats: tuple[float, float], steps: int, redraw: int, seed: int,
) -> float:  # fmt: skip
    """Anneal a partition; `label` becomes the best met. An area out of band only ever comes nearer to it.

    Parameters
    ----------
    indptr, nbr, weight : arrays
        Compressed rows over passable borders and their weights [m].
    homes : Ints
        Homes per block [home].
    label : Ints
        Area per block, contiguous; changed in place.
    low, high : Ints
        Band per area [home].
    heats : tuple[float, float]
        Temperature at the start and at the end [m].
    steps : int
        Proposals [1].
    redraw : int
        Proposals between two recombinations [1].
    seed : int
        Same seed, same partition.

    Returns
    -------
    float
        Weighted border cut [m].
    """
    np.random.seed(seed)  # noqa: NPY002 - the compiled generator
    n, count = len(label), len(low)
    total = np.zeros(count, np.int64)
    for u in range(n):
        total[label[u]] += homes[u]
    mark, queue = np.zeros(n, np.int64), np.empty(n, np.int64)
    scratch = scratch_for(n)
    now = cut_of(indptr, nbr, weight, label)
    best, least, stamp = label.copy(), now, 0
    heat = heats[0]
    fade = (heats[1] / heats[0]) ** (1024.0 / steps)
    for step in range(steps):
        if step % 1024 == 0:
            heat *= fade
        u = np.random.randint(0, n)  # noqa: NPY002
        v = nbr[np.random.randint(indptr[u], indptr[u + 1])] if indptr[u] < indptr[u + 1] else u  # noqa: NPY002
        own, other = label[u], label[v]
        if own == other:
            continue
        if step % redraw == 0:
            gain, stamp = recombine(
                indptr, nbr, weight, homes, label, total, low, high, u, other, heat, scratch, mark, stamp
            )
            now -= gain
        else:
            relief = flip_relief(total, low, high, own, other, homes[u])
            if relief < 0:
                continue
            gain = flip_gain(indptr, nbr, weight, label, u, other)
            if relief == 0 and gain < 0 and np.random.random() >= np.exp(gain / heat):  # noqa: NPY002
                continue
            stamp += 1
            if not whole_without(indptr, nbr, label, u, mark, queue, stamp):
                continue
            label[u] = other
            total[own] -= homes[u]
            total[other] += homes[u]
            now -= gain
            if relief > 0:
                least = np.inf  # nearer to the band beats any shorter border
        if now < least - 1e-9:
            least = now
            best[:] = label
    label[:] = best
    return cut_of(indptr, nbr, weight, label)
