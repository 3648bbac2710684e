//! What a plan cost, beside the best that was possible and beside doing nothing.

/// Cost over the optimum's: 1 is perfect. None unless the optimum is above zero, since a ratio to a gain or to nothing
/// says nothing, or where a cost is not finite; [`savings_share`] has no such limit.
pub fn ratio_to_optimum(cost: f64, optimum: f64) -> Option<f64> {
    (cost.is_finite() && optimum.is_finite() && optimum > 0.0).then(|| cost / optimum)
}

/// The share of the possible savings that was made, (base − cost) / (base − optimum): 0 for the baseline's cost, 1 for
/// the optimum's, below 0 where the plan was worse than the baseline. It is the skill score of forecasting (Murphy,
/// *Skill Scores Based on the Mean Square Error*, 1988) with a cost in the place of the error.
///
/// None where the optimum saves nothing over the baseline, or a cost is not finite. Costs may be negative.
pub fn savings_share(base: f64, cost: f64, optimum: f64) -> Option<f64> {
    let possible = base - optimum;
    let share = (base - cost) / possible;
    (possible > 0.0 && share.is_finite()).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_by_hand() {
        assert_eq!(ratio_to_optimum(110.0, 100.0), Some(1.1));
        for (cost, optimum) in [(1.0, 0.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
            assert_eq!(ratio_to_optimum(cost, optimum), None, "{cost} {optimum}");
        }
    }

    #[test]
    fn savings_by_hand() {
        for (base, cost, optimum, share) in [
            (100.0, 100.0, 60.0, Some(0.0)),
            (100.0, 70.0, 60.0, Some(0.75)),
            (100.0, 60.0, 60.0, Some(1.0)),
            (100.0, 120.0, 60.0, Some(-0.5)),
            // Selling earns: costs below zero.
            (10.0, -5.0, -10.0, Some(0.75)),
            (60.0, 60.0, 60.0, None),
            (50.0, 60.0, 60.0, None),
            (f64::INFINITY, 60.0, 60.0, None),
            (100.0, f64::NAN, 60.0, None),
            (100.0, 70.0, f64::NAN, None),
        ] {
            assert_eq!(savings_share(base, cost, optimum), share, "{base} {cost} {optimum}");
        }
    }
}
