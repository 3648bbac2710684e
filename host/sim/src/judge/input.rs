//! What every judge asks of its input before it counts.

/// Why something cannot be judged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InputError {
    /// Two slices that belong together have different lengths.
    #[error("{what}: {left} and {right} rows belong together")]
    Lengths {
        /// Which slices.
        what: &'static str,
        /// Length of the first.
        left: usize,
        /// Length of the second.
        right: usize,
    },
    /// There is nothing to judge.
    #[error("{0}: nothing to judge")]
    Empty(&'static str),
    /// A value is NaN or infinite.
    #[error("{what}: row {row} is not a finite number")]
    NotFinite {
        /// Which slice.
        what: &'static str,
        /// Its first such row.
        row: usize,
    },
    /// A time is before the one of the row above.
    #[error("the time of row {0} is before that of the row above")]
    TimeFalls(usize),
    /// A parameter or an item is outside of what its judge is defined for.
    #[error("{what}: {value} is out of range")]
    OutOfRange {
        /// Which one.
        what: &'static str,
        /// What it was.
        value: f64,
    },
    /// A window is reversed, holds no row, or begins before its predecessor's end.
    #[error("window {0} is reversed, holds no row or overlaps its predecessor")]
    Window(usize),
    /// A class label beyond the number of classes.
    #[error("there is no class {class} of {classes}")]
    Class {
        /// The label.
        class: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// The history never changes from one period to the next, so errors have no scale.
    #[error("the history never changes over {0} rows: errors have no scale")]
    NoScale(usize),
    /// The history is too short for this period.
    #[error("a history of {rows} rows is too short for a period of {period}")]
    ShortHistory {
        /// Rows of the history.
        rows: usize,
        /// The period, in rows.
        period: usize,
    },
}

/// Refuses slices of different lengths, and empty ones.
pub(super) fn same_length(what: &'static str, left: usize, right: usize) -> Result<(), InputError> {
    if left != right {
        return Err(InputError::Lengths { what, left, right });
    }
    if left == 0 { Err(InputError::Empty(what)) } else { Ok(()) }
}

/// Refuses NaN and infinities.
pub(super) fn finite(what: &'static str, values: &[f64]) -> Result<(), InputError> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(row) => Err(InputError::NotFinite { what, row }),
        None => Ok(()),
    }
}

/// Refuses what a comparison of two columns of numbers cannot take.
pub(super) fn pair(what: &'static str, left: &[f64], right: &[f64]) -> Result<(), InputError> {
    same_length(what, left.len(), right.len())?;
    finite(what, left)?;
    finite(what, right)
}

/// Refuses times that fall. Equal ones are common in public data and harmless.
pub(super) fn rising<T: PartialOrd>(times: &[T]) -> Result<(), InputError> {
    match times.windows(2).position(|w| matches!(w, [a, b] if b < a)) {
        Some(before) => Err(InputError::TimeFalls(before + 1)),
        None => Ok(()),
    }
}

/// Refuses a parameter outside of what `holds` says.
pub(super) fn in_range(what: &'static str, value: f64, holds: bool) -> Result<(), InputError> {
    if holds { Ok(()) } else { Err(InputError::OutOfRange { what, value }) }
}

/// A ratio, or none where there is nothing to divide by.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
