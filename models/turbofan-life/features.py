"""From rows of settings and sensors to the model's features: what the plugin computes too, in the same order of operations."""

import dataclasses

import numpy as np

# As the controller names the columns: setting1 to setting3, s1 to s21. The sensors left out hardly ever move.
SETTINGS = ["setting1", "setting2", "setting3"]
SENSORS = [f"s{i}" for i in (2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20, 21)]
# The six operating points, and how far a reading may lie from one: a fraction of the smallest distance between two.
NOMINAL = np.array([[0, 0, 100], [10, 0.25, 100], [20, 0.7, 100], [25, 0.62, 60], [35, 0.84, 100], [42, 0.84, 100]], float)
TOLERANCES = np.array([2.0, 0.04, 2.0])
# rate, baseline, from, to: see the plugin's `fleet::tables`.
RECIPE = [
    (0.1, None, None, None), (0.3, None, None, None), (0.1, 20, None, None),
    (None, None, 0.0, 0.5), (None, None, 0.5, 0.75), (None, None, 0.75, 1.0),
]
CAP = 125.0
LEAST_CYCLES = 20
CLIP, SPIKE, SPIKE_AFTER = 8.0, 3.0, 3
# After so many cycles in one regime, a machine is taken to have no other.
SETTLED_CYCLES = 10
# Weights below this are none.
NOTHING = 1e-12


@dataclasses.dataclass
class Points:
    """Every cycle of every engine: features, life left, engine, cycle."""

    x: np.ndarray
    life: np.ndarray
    engine: np.ndarray
    cycle: np.ndarray


@dataclasses.dataclass
class Fleet:
    centres: np.ndarray
    tolerances: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    weights: np.ndarray

    def settings(self):
        """The table `life`."""
        return ["cap", "least_cycles", "clip", "spike", "spike_after"], [[CAP, LEAST_CYCLES, CLIP, SPIKE, SPIKE_AFTER]]

    def regimes(self, settings):
        """The regime whose centre alone lies within the tolerances; -1 where none or several do."""
        distances = np.abs(settings[:, None] - self.centres[None])
        fits = (np.isnan(distances) | (distances <= self.tolerances)).all(2)
        return np.where(fits.sum(1) == 1, fits.argmax(1), -1)

    def seen(self, settings):
        """Each row's regime, and whether more than one has been seen by then. A machine that has shown only one regime for
        a while is taken to be in it where its settings fit none."""
        regimes, counts, several = self.regimes(settings), np.zeros(len(self.centres), int), np.zeros(len(settings))
        for i, regime in enumerate(regimes):
            if regime >= 0:
                counts[regime] += 1
            elif (counts > 0).sum() == 1 and counts.sum() >= SETTLED_CYCLES:
                regimes[i] = counts.argmax()
            several[i] = (counts > 0).sum() > 1
        return regimes, several

    def standardise(self, regimes, rows):
        """Standardised readings and their weights; a reading that is missing, or of no known regime, weighs nothing."""
        z = (rows - self.means[regimes]) / self.deviations[regimes]
        known = ~np.isnan(rows) & (regimes >= 0)[:, None]
        return np.clip(np.where(known, z, 0), -CLIP, CLIP), np.where(known, self.weights[regimes], 0)

    def features(self, settings, rows):
        """cycles x features of one engine, from its first cycle on. A gap in `rows` is NaN."""
        regimes, several = self.seen(settings)
        z, weights = self.standardise(regimes, rows)
        cycles, width = z.shape
        rates = sorted({rate for rate, *_ in RECIPE if rate})
        sums, weighed = ({r: np.zeros(width) for r in rates} for _ in range(2))
        averages = {r: np.empty((cycles, width)) for r in rates}
        total, weight = np.zeros((cycles + 1, width)), np.zeros((cycles + 1, width))
        leapt = np.zeros(width)
        for i in range(cycles):
            row, w = z[i], weights[i]
            if i >= SPIKE_AFTER:
                away = row - ratio(sums[rates[-1]], weighed[rates[-1]], row)
                limit = SPIKE / np.sqrt(np.maximum(w, NOTHING))
                leap = np.where(w > 0, np.sign(away) * (np.abs(away) > limit), 0)
                row = np.where(leap == 0, row, row - away + leap * limit)
                # A leap counts only where the reading before leapt the same way.
                w = np.where((leap != 0) & (leap != leapt), 0, w)
                leapt = leap
            for r in rates:
                sums[r], weighed[r] = sums[r] * (1 - r) + r * w * row, weighed[r] * (1 - r) + r * w
                averages[r][i] = ratio(sums[r], weighed[r], 0.0)
            total[i + 1], weight[i + 1] = total[i] + w * row, weight[i] + w
        n = np.arange(1, cycles + 1)
        blocks = []
        for rate, baseline, start, end in RECIPE:
            if rate is None:
                first = np.floor(start * n).astype(int)
                stop = np.maximum(np.ceil(end * n).astype(int), first + 1)
                blocks.append(ratio(total[stop] - total[first], weight[stop] - weight[first], averages[rates[0]]))
            elif baseline is None:
                blocks.append(averages[rate])
            else:
                begun = np.minimum(n, baseline)
                blocks.append(averages[rate] - ratio(total[begun], weight[begun], averages[rates[0]]))
        return np.hstack([*blocks, several[:, None], n[:, None]]).astype(np.float32)


def ratio(sums, weights, otherwise):
    """Weighted means; `otherwise` where nothing was weighed."""
    return np.where(weights > NOTHING, sums / np.maximum(weights, NOTHING), otherwise)


def split(rows):
    """Columns of a C-MAPSS file: engine, cycle, settings, sensors."""
    columns = [4 + int(name[1:]) for name in SENSORS]
    return rows[:, 0].astype(int), rows[:, 1], rows[:, 2:5], rows[:, columns]


def learn(raw):
    """The regimes' means, deviations and weights, from the training files by their numbers.

    A sensor tells wear more loudly in one regime than in another. Its deviation is scaled such that wear moves it alike in
    all of them, and its weight is the square of wear over noise, by its best regime. FD002 tells both: it has all regimes
    and one failure mode. The first 40 cycles of its engines count as healthy, the last 20 as worn.
    """
    known = Fleet(NOMINAL, TOLERANCES, *[np.empty(0)] * 3)
    _, _, settings, sensors = split(np.concatenate(list(raw.values())))
    regimes, each = known.regimes(settings), range(len(NOMINAL))
    means = np.array([sensors[regimes == r].mean(0) for r in each])
    deviations = np.array([sensors[regimes == r].std(0) for r in each])
    engine, cycle, settings, sensors = split(raw[2])
    regimes = known.regimes(settings)
    left = np.array([cycle[engine == e].max() for e in np.unique(engine)])[engine - 1] - cycle
    healthy, worn = ([sensors[(regimes == r) & part] for r in each] for part in (cycle < 40, left < 20))
    wear = np.array([b.mean(0) - a.mean(0) for a, b in zip(healthy, worn)])
    noise = np.maximum([a.std(0) for a in healthy], 1e-9)
    shown = wear / deviations
    # Sensors that wear hardly moves are left as they are.
    moves = np.abs(shown[0]) >= 1
    scale = np.where(moves, np.clip(shown / shown[0], 0.25, 3.0), 1.0)
    weights = (wear / noise) ** 2
    weights = np.where(moves, np.clip(weights / weights.max(0), 0.05, 1.0), 1.0)
    return Fleet(NOMINAL, TOLERANCES, np.round(means, 8), np.round(deviations * scale, 8), np.round(weights, 8))


def points(fleet, rows):
    """All engines of a file that run to failure."""
    engine, cycle, settings, sensors = split(rows)
    x, life = np.empty((len(rows), len(RECIPE) * len(SENSORS) + 2), np.float32), np.empty(len(rows))
    for e in np.unique(engine):
        at = engine == e
        x[at] = fleet.features(settings[at], sensors[at])
        life[at] = cycle[at].max() - cycle[at]
    return Points(x, life, engine, cycle)


def name_modes(sets):
    """Linear scores of the slowest averages that tell worn engines' failure modes apart: name to weights, offset last.

    FD001 and FD002 wear at the high-pressure compressor only; FD003 and FD004 there or at the fan, which two means tell.
    """
    width = len(SENSORS)
    ends = {k: np.array([s.x[s.engine == e][-1, :width] for e in np.unique(s.engine)]) for k, s in sets.items()}
    compressor = np.concatenate([ends[1], ends[2]]).mean(0)
    mixed = np.concatenate([ends[3], ends[4]])
    centres = [compressor, mixed[np.argmax(((mixed - compressor) ** 2).sum(1))]]
    nearest = lambda z: np.argmin([((z - c) ** 2).sum(1) for c in centres], 0)
    for _ in range(30):
        of = nearest(mixed)
        centres = [np.concatenate([ends[1], ends[2], mixed[of == 0]]).mean(0), mixed[of == 1].mean(0)]
    # The engines' last eighty cycles, by their engine's mode: less worn ones are told too.
    z, mode = [], []
    for k, s in sets.items():
        engine_mode = np.zeros(len(ends[k]), int) if k in (1, 2) else nearest(ends[k])
        worn = s.life < 80
        z.append(s.x[worn, :width])
        mode.append(engine_mode[np.searchsorted(np.unique(s.engine), s.engine[worn])])
    z, mode = np.concatenate(z).astype(float), np.concatenate(mode)
    middles = [z[mode == m].mean(0) for m in (0, 1)]
    inverse = np.linalg.inv(np.cov(np.concatenate([z[mode == m] - middles[m] for m in (0, 1)]).T))
    scores = {}
    for name, middle in zip(("high-pressure compressor", "fan"), middles):
        scores[name] = np.append(inverse @ middle, -0.5 * middle @ inverse @ middle)
    return scores
