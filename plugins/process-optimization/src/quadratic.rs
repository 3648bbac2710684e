//! The best step on a quadratic hill under straight limits, by trying every set of limits as the binding one.
//!
//! With one to four unknowns and a dozen limits that is some hundred small linear systems at most, and it needs no start that
//! keeps the limits. Nocedal and Wright (2006), chapter 16, on the conditions that each candidate solves.

use nalgebra::{DMatrix, DVector};

/// Value of a step d: slope·d + d·bend·d/2, to be high.
#[derive(Debug, Clone, PartialEq)]
pub struct Hill {
    /// First derivatives.
    pub slope: DVector<f64>,
    /// Second derivatives; where they do not bend down, they are bent.
    pub bend: DMatrix<f64>,
}

/// row·d ≤ room.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// Its direction.
    pub row: DVector<f64>,
    /// How far it may go.
    pub room: f64,
}

/// Share of a bound's scale by which rounding may exceed it.
const ROUNDING: f64 = 1e-9;

impl Hill {
    /// Makes the bends downward ones: adds as much as the steepest upward one needs, and a little.
    fn bent(&self) -> DMatrix<f64> {
        let n = self.slope.len();
        let even = (&self.bend + self.bend.transpose()) * 0.5;
        let eigen = even.symmetric_eigen();
        let largest = eigen.eigenvalues.amax().max(self.slope.amax()).max(1e-12);
        let values = eigen.eigenvalues.map(|value| value.min(-1e-3 * largest));
        &eigen.eigenvectors * DMatrix::from_diagonal(&values) * eigen.eigenvectors.transpose()
            - DMatrix::from_diagonal_element(n, n, 1e-12)
    }

    /// The highest step within the bounds; where no step is within them all, the one that exceeds them least among those
    /// tried. A bound's excess is counted in units of its row's length.
    pub fn top(&self, bounds: &[Bound]) -> DVector<f64> {
        let n = self.slope.len();
        let bend = self.bent();
        let excess = |d: &DVector<f64>| {
            let over = |b: &Bound| {
                let scale = b.row.norm().max(1e-12);
                let over = (b.row.dot(d) - b.room) / scale;
                if over > ROUNDING { over } else { 0.0 }
            };
            bounds.iter().map(over).sum::<f64>()
        };
        let value = |d: &DVector<f64>| self.slope.dot(d) + 0.5 * (&bend * d).dot(d);
        let mut best = DVector::zeros(n);
        let mut merit = (excess(&best), value(&best));
        for binding in subsets(bounds.len(), n) {
            let Some(d) = self.candidate(&bend, bounds, &binding) else { continue };
            let new = (excess(&d), value(&d));
            if d.iter().all(|x| x.is_finite()) && (new.0 < merit.0 || new.0 == merit.0 && new.1 > merit.1) {
                (best, merit) = (d, new);
            }
        }
        best
    }

    /// The stationary step with these bounds as equations.
    fn candidate(&self, bend: &DMatrix<f64>, bounds: &[Bound], binding: &[usize]) -> Option<DVector<f64>> {
        let (n, k) = (self.slope.len(), binding.len());
        let mut system = DMatrix::zeros(n + k, n + k);
        let mut right = DVector::zeros(n + k);
        system.view_mut((0, 0), (n, n)).copy_from(&-bend);
        right.rows_mut(0, n).copy_from(&self.slope);
        for (at, bound) in binding.iter().filter_map(|b| bounds.get(*b)).enumerate() {
            let scale = bound.row.norm().max(1e-12);
            for i in 0..n {
                system[(n + at, i)] = bound.row[i] / scale;
                system[(i, n + at)] = bound.row[i] / scale;
            }
            right[n + at] = bound.room / scale;
        }
        Some(system.lu().solve(&right)?.rows(0, n).into_owned())
    }
}

/// Sets of up to `most` of so many, the empty one first.
fn subsets(count: usize, most: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let until = all.len();
        for at in from..until {
            let next = all[at].last().map_or(0, |last: &usize| last + 1);
            for more in next..count {
                let mut set = all[at].clone();
                set.push(more);
                all.push(set);
            }
        }
        from = until;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(row: &[f64], room: f64) -> Bound {
        Bound { row: DVector::from_row_slice(row), room }
    }

    fn boxed(n: usize, reach: f64) -> Vec<Bound> {
        let unit = |i: usize, way: f64| DVector::from_fn(n, |j, _| if i == j { way } else { 0.0 });
        (0..n).flat_map(|i| [1.0, -1.0].map(|way| Bound { row: unit(i, way), room: reach })).collect()
    }

    fn hill(slope: &[f64], bend: &[f64]) -> Hill {
        let n = slope.len();
        Hill { slope: DVector::from_row_slice(slope), bend: DMatrix::from_row_slice(n, n, bend) }
    }

    #[test]
    fn free_it_is_the_top_and_bound_it_slides_along() {
        let hill = hill(&[2.0, 4.0], &[-2.0, 0.0, 0.0, -2.0]);
        let near = |d: DVector<f64>, x: f64, y: f64| assert!((d[0] - x).abs() + (d[1] - y).abs() < 1e-6, "{d}");
        near(hill.top(&boxed(2, 10.0)), 1.0, 2.0);
        near(hill.top(&boxed(2, 1.0)), 1.0, 1.0);
        let mut bounds = boxed(2, 10.0);
        bounds.push(bound(&[1.0, 1.0], 1.0));
        near(hill.top(&bounds), 0.0, 1.0);
        bounds.push(bound(&[0.0, 10.0], 5.0));
        near(hill.top(&bounds), 0.5, 0.5);
    }

    #[test]
    fn outside_it_comes_back_as_far_as_it_can() {
        let hill = hill(&[1.0, 1.0], &[-0.1, 0.0, 0.0, -0.1]);
        let mut bounds = boxed(2, 0.5);
        bounds.push(bound(&[1.0, 0.0], -2.0));
        let d = hill.top(&bounds);
        assert!((d[0] + 0.5).abs() < 1e-9, "{d}");
    }

    #[test]
    fn a_valley_is_left_for_the_better_edge() {
        let d = hill(&[0.1, 0.0], &[2.0, 0.0, 0.0, -1.0]).top(&boxed(2, 1.0));
        assert!((d[0] - 1.0).abs() < 1e-9 && d[1].abs() < 1e-9, "{d}");
    }

    #[test]
    fn nothing_at_random_within_the_bounds_is_higher() {
        let mut random = 1_u64;
        let mut draw = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        for n in 1..=4 {
            let slope: Vec<f64> = (0..n).map(|_| draw()).collect();
            let root = DMatrix::from_fn(n, n, |_, _| draw());
            let bend = -(&root * root.transpose()) - DMatrix::identity(n, n) * 0.1;
            let hill = Hill { slope: DVector::from_vec(slope), bend };
            let mut bounds = boxed(n, 1.0);
            for _ in 0..2 {
                bounds.push(Bound { row: DVector::from_fn(n, |_, _| draw()), room: 0.1 });
            }
            let value = |d: &DVector<f64>| hill.slope.dot(d) + 0.5 * (&hill.bend * d).dot(d);
            let top = hill.top(&bounds);
            for _ in 0..5000 {
                let d = DVector::from_fn(n, |_, _| draw());
                let within = bounds.iter().all(|b| b.row.dot(&d) <= b.room);
                assert!(!within || value(&d) <= value(&top) + 1e-6, "{n}: {d} {top}");
            }
        }
    }
}
