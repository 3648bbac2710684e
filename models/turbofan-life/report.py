"""Figures: errors by set, the 80 % interval, and what both come to on the one test set that is at hand."""

import math

import numpy as np

from features import CAP, LEAST_CYCLES, split

SEED = 20240917
# Truncations drawn for each engine. Their life left is uniform as in the test sets: 6 to 145 cycles, or to 195 (FD002, FD004).
DRAWS = 64
LONGEST = {1: 145, 2: 195, 3: 145, 4: 195}
SHARE = 0.8
# Predictions at which the interval's table has a row.
NODES = [2, 5, 8, 12, 16, 20, 25, 30, 36, 42, 50, 58, 66, 74, 82, 90, 98, 104, 108, 112, 115, 118, 120, 122, 124]


def fold_rows(points, chosen, predictions, number=1):
    """Drawn truncations of the chosen engines: prediction, life, engine, one line a draw."""
    rng = np.random.default_rng([SEED, number])
    engine, cycle, life = points.engine[chosen], points.cycle[chosen], points.life[chosen]
    rows = []
    for e in np.unique(points.engine):
        last = points.cycle[points.engine == e].max()
        longest = min(LONGEST[number], last - LEAST_CYCLES)
        left = rng.integers(6, longest + 1, DRAWS)
        if e in engine:
            for r in left:
                at = np.flatnonzero((engine == e) & (life == r))[0]
                rows.append((predictions[at], life[at], e))
    return np.array(rows)


def rmse(predicted, life):
    return float(np.sqrt(np.mean((predicted - life) ** 2)))


def clipped(life):
    return np.minimum(life, CAP)


def phm_score(predicted, life):
    """The PHM'08 score, mean a machine: late predictions cost more than early ones."""
    late = predicted - life
    return float(np.mean(np.where(late < 0, np.exp(-late / 13), np.exp(late / 10)) - 1))


def by_set(folds):
    metrics = {}
    for k, rows in folds.items():
        name = f"folds_fd00{k}"
        metrics[f"rmse_{name}"] = rmse(rows[:, 0], clipped(rows[:, 1]))
        metrics[f"rmse_unclipped_{name}"] = rmse(rows[:, 0], rows[:, 1])
        metrics[f"phm08_mean_score_{name}"] = phm_score(rows[:, 0], clipped(rows[:, 1]))
    print("\n".join(f"{k} = {v:.3f}" for k, v in metrics.items()), flush=True)
    return metrics


def intervals_for(folds):
    """Rows of the table `interval`: where the true life lay when about this was predicted. The ends come from the errors of
    engines that the networks had not seen; where the upper one would be above the cap, it is open and the lower one stands
    for all 80 %."""
    rows = np.concatenate(list(folds.values()))
    table = []
    for node in NODES:
        near = np.abs(rows[:, 0] - node) <= max(3.0, min(0.12 * node, 0.5 * (CAP - node) + 2.5))
        error = rows[near, 1] - rows[near, 0]
        low, high = np.quantile(error, [(1 - SHARE) / 2, (1 + SHARE) / 2]) + node
        if high >= CAP:
            low, high = np.quantile(error, 1 - SHARE) + node, np.inf
        table.append([node, low, high])
    first_open = next((i for i, (_, _, high) in enumerate(table) if np.isinf(high)), len(table))
    for row in table[first_open:]:
        near = np.abs(rows[:, 0] - row[0]) <= max(3.0, min(0.12 * row[0], 0.5 * (CAP - row[0]) + 2.5))
        row[1:] = [np.quantile(rows[near, 1] - rows[near, 0], 1 - SHARE) + row[0], np.inf]
    return table


def interval_of(table, predictions):
    """As the plugin reads the table."""
    low, high = np.empty(len(predictions)), np.empty(len(predictions))
    for i, p in enumerate(predictions):
        above = next((j for j, row in enumerate(table) if row[0] > p), None)
        below = table[0] if above == 0 else table[-1] if above is None else table[above - 1]
        if above in (0, None) or np.isinf(table[above][2]) or np.isinf(below[2]):
            low[i], high[i] = below[1] + p - below[0], below[2] + p - below[0]
        else:
            share = (p - below[0]) / (table[above][0] - below[0])
            low[i], high[i] = (below[j] + share * (table[above][j] - below[j]) for j in (1, 2))
    return np.clip(low, 0, predictions), np.maximum(high, predictions)


def covered(table, rows):
    low, high = interval_of(table, rows[:, 0])
    return (low <= rows[:, 1]) & (rows[:, 1] <= high)


def score_interval(table, rows):
    """The interval score (Gneiting and Raftery 2007) of lives clipped at the cap; an open end counts as the cap."""
    low, high = interval_of(table, rows[:, 0])
    life, high = clipped(rows[:, 1]), np.minimum(high, CAP)
    out = np.maximum(low - life, 0) + np.maximum(life - high, 0)
    return float(np.mean(high - low + 2 / (1 - SHARE) * out))


def binomial_p(hits, count, share):
    """Two-sided exact test: the chance of a count that is no likelier than this one."""
    log = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) + k * math.log(share) + (count - k) * math.log1p(-share) for k in range(count + 1)]
    return min(1.0, sum(math.exp(v) for v in log if v <= log[hits] + 1e-9))


def cross_covered(folds, parts):
    """Coverage of the first draw of each engine, by a table from the other folds."""
    hits = {}
    for k, rows in folds.items():
        hit = np.zeros(len(rows), bool)
        for part in range(parts):
            others = {j: r[r[:, 2] % parts != part] for j, r in folds.items()}
            at = rows[:, 2] % parts == part
            hit[at] = covered(intervals_for(others), rows[at])
        hits[k] = hit[::DRAWS]
    return hits


def judge(fleet, run, interval, test, truth, folds, parts):
    """The test set of FD001, through the exported model, and the coverage over all four sets."""
    engine, _, settings, sensors = split(test)
    rows = []
    for e, life in zip(np.unique(engine), truth):
        features = fleet.features(settings[engine == e], sensors[engine == e])
        rows.append((float(np.clip(run(features[-1:])[0, 0], 1, CAP)), life, e))
    rows = np.array(rows)
    hits = [covered(interval, rows), *(h for k, h in cross_covered(folds, parts).items() if k != 1)]
    pooled = np.concatenate(hits)
    metrics = {
        "rmse_test_fd001": rmse(rows[:, 0], clipped(rows[:, 1])),
        "rmse_unclipped_test_fd001": rmse(rows[:, 0], rows[:, 1]),
        "phm08_mean_score_test_fd001": phm_score(rows[:, 0], clipped(rows[:, 1])),
        "interval_covered_test_fd001": float(np.mean(hits[0])),
        "interval_score_test_fd001": score_interval(interval, rows),
        "interval_covered_pooled": float(np.mean(pooled)),
        "interval_engines_pooled": len(pooled),
        "interval_binomial_p_pooled": binomial_p(int(pooled.sum()), len(pooled), SHARE),
    }
    for k, set_rows in folds.items():
        if k != 1:
            metrics[f"interval_score_folds_fd00{k}"] = score_interval(interval, set_rows)
    print("\n".join(f"{k} = {v:.3f}" for k, v in metrics.items()), flush=True)
    return metrics
