//! A prediction as life, interval and health.
//!
//! The interval comes from the errors that the model made on machines it had not seen. A node of the table says, for one
//! prediction, where the quantiles of the true life lay; between two nodes they are interpolated. Where too many of the
//! true lives were above what the model can tell, the upper end is open: "more than `low`".

/// Where the true life lay, for one prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// What was predicted, in cycles.
    pub prediction: f64,
    /// Lower end, in cycles.
    pub low: f64,
    /// Upper end, in cycles; none: open.
    pub high: Option<f64>,
}

/// Nodes of rising predictions, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval(Vec<Node>);

impl Interval {
    /// `None` where there is no node or the predictions do not rise.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Option<Self> {
        let rising = nodes.windows(2).all(|pair| matches!(pair, [a, b] if a.prediction < b.prediction));
        (rising && !nodes.is_empty()).then_some(Interval(nodes))
    }

    /// Lower and upper end around a prediction, which lies between them.
    #[must_use]
    pub fn around(&self, prediction: f64) -> (f64, Option<f64>) {
        let above = self.0.iter().position(|node| node.prediction > prediction);
        let (low, high) = match above.map(|above| (above.checked_sub(1), above)) {
            // Beyond an end the node's distances hold.
            None => self.0.last().map_or((0.0, None), |node| shifted(node, prediction)),
            Some((None, first)) => shifted(&self.0[first], prediction),
            Some((Some(below), above)) => between(&self.0[below], &self.0[above], prediction),
        };
        (low.clamp(0.0, prediction.max(0.0)), high.map(|high| high.max(prediction)))
    }
}

fn shifted(node: &Node, prediction: f64) -> (f64, Option<f64>) {
    let shift = prediction - node.prediction;
    (node.low + shift, node.high.map(|high| high + shift))
}

fn between(below: &Node, above: &Node, prediction: f64) -> (f64, Option<f64>) {
    let share = (prediction - below.prediction) / (above.prediction - below.prediction);
    let mix = |a: f64, b: f64| a + share * (b - a);
    match (below.high, above.high) {
        (Some(a), Some(b)) => (mix(below.low, above.low), Some(mix(a, b))),
        // Open and closed do not mix: the lower end of an open interval is a higher one.
        _ => shifted(below, prediction),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn ends_are_interpolated_and_opened() {
        let node = |prediction, low, high| Node { prediction, low, high };
        let interval =
            Interval::new(vec![node(10.0, 6.0, Some(14.0)), node(50.0, 30.0, Some(70.0)), node(100.0, 90.0, None)]);
        let interval = interval.unwrap();
        let check = |prediction: f64, low: f64, high: Option<f64>| {
            let (given_low, given_high) = interval.around(prediction);
            assert!((given_low - low).abs() < 1e-9, "{prediction}: {given_low}");
            assert_eq!(given_high, high, "{prediction}");
        };
        check(1.0, 0.0, Some(5.0));
        check(10.0, 6.0, Some(14.0));
        check(30.0, 18.0, Some(42.0));
        check(60.0, 40.0, Some(80.0));
        check(100.0, 90.0, None);
        check(125.0, 115.0, None);
    }

    #[test]
    fn the_prediction_lies_inside() {
        let interval = Interval::new(vec![Node { prediction: 10.0, low: 12.0, high: Some(8.0) }]).unwrap();
        assert_eq!(interval.around(10.0), (10.0, Some(10.0)));
        assert_eq!(Interval::new(Vec::new()), None);
    }
}
