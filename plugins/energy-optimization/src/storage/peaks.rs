//! The peaks of a billing period that are told apart, and what each costs.

use super::value::{Table, Values};

/// Highest imports of a billing period.
#[derive(Debug, Clone, PartialEq)]
pub struct Peaks {
    /// Rising, in kWh a step; infinity alone where nobody charges for them.
    pub levels: Vec<f64>,
    /// What each comes to at the end, in money.
    pub costs: Vec<f64>,
    /// Money for each kWh a step above the last of them.
    pub rate: f64,
}

impl Peaks {
    /// Nobody charges for a peak.
    pub fn free() -> Self {
        Self { levels: vec![f64::INFINITY], costs: vec![0.0], rate: 0.0 }
    }

    /// From a peak that has been reached already: it, and those of the grid that are higher. `cost` says what each
    /// comes to.
    pub fn from(reached: f64, grid: &[f64], rate: f64, cost: impl Fn(f64) -> f64) -> Self {
        // One that is hardly higher is not told apart.
        let higher = grid.iter().copied().filter(|level| *level > 1.01 * reached);
        let levels: Vec<f64> = std::iter::once(reached).chain(higher).collect();
        let costs = levels.iter().map(|level| cost(*level)).collect();
        Self { levels, costs, rate }
    }

    /// Charge's values at the end, and the costs of each peak.
    pub fn add_costs(&self, end: &Values) -> Table {
        self.costs.iter().map(|cost| end.map(|value| value + cost)).collect()
    }

    /// A value at any peak, from what `value` says at those of the table.
    pub fn at(&self, table: &Table, peak: f64, value: impl Fn(&Values) -> f64) -> f64 {
        self.blend(peak, |index| table.get(index).map_or(0.0, &value))
    }

    /// A value at any peak, from those at the levels.
    pub fn between(&self, values: &[f64], peak: f64) -> f64 {
        self.blend(peak, |index| values.get(index).copied().unwrap_or(0.0))
    }

    fn blend(&self, peak: f64, of: impl Fn(usize) -> f64) -> f64 {
        let above = self.levels.partition_point(|level| *level <= peak);
        let level = |index: usize| self.levels.get(index).copied();
        match (above.checked_sub(1), level(above)) {
            (None, _) => of(0),
            (Some(below), None) => of(below) + self.rate * (peak - level(below).unwrap_or(peak)).max(0.0),
            (Some(below), Some(upper)) => {
                let lower = level(below).unwrap_or(peak);
                let share = (peak - lower) / (upper - lower);
                (1.0 - share) * of(below) + share * of(above)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let peaks = Peaks::from(2.0, &[1.0, 2.01, 3.0, 5.0], 10.0, |peak| 10.0 * peak);
        // What has been reached comes first; what is lower, and what is hardly higher, is not told apart.
        assert_eq!(peaks.levels, [2.0, 3.0, 5.0]);
        assert_eq!(peaks.costs, [20.0, 30.0, 50.0]);
        for (peak, value) in [(0.0, 1.0), (2.0, 1.0), (2.5, 2.5), (3.0, 4.0), (4.0, 4.5), (5.0, 5.0), (6.0, 15.0)] {
            let got = peaks.between(&[1.0, 4.0, 5.0], peak);
            assert!((got - value).abs() < 1e-9, "{peak}: {got}");
        }
    }

    #[test]
    fn a_peak_that_nobody_charges_for_is_worth_nothing() {
        let free = Peaks::free();
        for peak in [0.0, 7.0, f64::INFINITY] {
            assert_eq!(free.between(&[3.0], peak), 3.0);
        }
    }
}
