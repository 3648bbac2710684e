//! Reading a frame: rows, columns, qualities. See `wit/README.md` for what they mean.

use crate::{Block, Frame};

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Quality {
    /// As measured.
    Good = 0,
    /// Usable, with a doubt.
    Uncertain = 1,
    /// Not usable. The number is the last usable one, or NaN.
    Bad = 2,
    /// Too old. The number is the last usable one, or NaN.
    Stale = 3,
}

impl Quality {
    /// From its number in a frame; an unknown one is bad.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Quality::Good,
            1 => Quality::Uncertain,
            3 => Quality::Stale,
            _ => Quality::Bad,
        }
    }

    /// Its number in a frame and in a result.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Good or uncertain.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Quality::Good | Quality::Uncertain)
    }
}

/// One row of a frame: all columns at one source time.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its number in the frame, as results give it.
    pub index: u32,
    /// Source time, nanoseconds since 1970-01-01 UTC.
    pub time_ns: i64,
    /// One for each column.
    pub values: &'a [f64],
    /// One code for each column: see [`Quality::from_code`].
    pub quality: &'a [u8],
}

impl<'a> Row<'a> {
    /// The column's value, where it is finite and its quality usable; `None` also where there is no such column.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<f64> {
        let (value, code) = (*self.values.get(column)?, *self.quality.get(column)?);
        (Quality::from_code(code).is_usable() && value.is_finite()).then_some(value)
    }

    /// The column's quality; bad where there is no such column.
    #[must_use]
    pub fn quality_of(&self, column: usize) -> Quality {
        self.quality.get(column).map_or(Quality::Bad, |&code| Quality::from_code(code))
    }

    /// Column and value, where the value is finite and its quality usable.
    pub fn usable(&self) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        let row = *self;
        (0..row.values.len()).filter_map(move |column| Some((column, row.get(column)?)))
    }

    /// Whether every column is good and finite.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.quality.iter().all(|&code| code == 0) && self.values.iter().all(|value| value.is_finite())
    }
}

impl Frame {
    /// Number of rows, the window's included.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.times_ns.len()
    }

    /// Number of value columns; 0 in a frame without rows.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.values.len().checked_div(self.times_ns.len()).unwrap_or(0)
    }

    /// The row of that number.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> Row<'_> {
        let columns = self.column_count();
        let cells = index * columns..(index + 1) * columns;
        Row {
            index: index as u32,
            time_ns: self.times_ns[index],
            values: &self.values[cells.clone()],
            quality: &self.quality[cells],
        }
    }

    /// All rows, oldest first, those of the window included.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> + ExactSizeIterator {
        (0..self.row_count()).map(|index| self.row(index))
    }

    /// The rows that were in no earlier frame: those that results are given for.
    pub fn new_rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> + ExactSizeIterator {
        (self.first_new as usize..self.row_count()).map(|index| self.row(index))
    }

    /// The newest row, if any is new.
    #[must_use]
    pub fn last_new(&self) -> Option<Row<'_>> {
        self.new_rows().next_back()
    }

    /// One column over all rows, as value and quality code.
    pub fn column(&self, column: usize) -> impl Iterator<Item = (f64, u8)> {
        let columns = self.column_count().max(1);
        let values = self.values.iter().skip(column).step_by(columns);
        values.copied().zip(self.quality.iter().skip(column).step_by(columns).copied())
    }

    /// The waveforms of one waveform input, in the order they arrived.
    pub fn blocks_of(&self, column: u32) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| block.column == column)
    }

    /// A frame of good values, all rows new, a second apart: for tests. `values` is rows × columns, row-major.
    ///
    /// # Panics
    /// Where `values` is not a whole number of rows.
    #[must_use]
    pub fn of_rows(columns: usize, values: &[f64]) -> Self {
        let rows = values.len().checked_div(columns).unwrap_or(0);
        assert_eq!(rows * columns, values.len(), "a whole number of rows");
        let times_ns: Vec<i64> = (0..rows as i64).map(|row| row * 1_000_000_000).collect();
        Frame {
            scan: 0,
            time_ns: times_ns.last().copied().unwrap_or(0),
            times_ns,
            first_new: 0,
            values: values.to_vec(),
            quality: vec![Quality::Good.code(); values.len()],
            blocks: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_agree() {
        let mut frame = Frame::of_rows(2, &[1.0, 2.0, 3.0, f64::NAN, 5.0, 6.0]);
        frame.first_new = 1;
        frame.quality[4] = Quality::Stale.code();
        assert_eq!((frame.row_count(), frame.column_count()), (3, 2));
        assert_eq!(frame.new_rows().map(|row| row.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(frame.row(1).get(0), Some(3.0));
        assert_eq!(frame.row(1).get(1), None, "NaN is never usable");
        assert_eq!(frame.row(2).get(0), None, "stale is not usable");
        assert_eq!(frame.row(2).get(2), None, "no such column");
        assert_eq!(frame.row(2).usable().collect::<Vec<_>>(), [(1, 6.0)]);
        assert_eq!(frame.column(0).collect::<Vec<_>>(), [(1.0, 0), (3.0, 0), (5.0, 3)]);
        assert!(frame.row(0).is_good() && !frame.row(1).is_good() && !frame.row(2).is_good());
        assert_eq!(frame.last_new().map(|row| row.index), Some(2));
    }

    #[test]
    fn a_frame_without_rows_has_no_columns() {
        let frame = Frame::of_rows(0, &[]);
        assert_eq!((frame.row_count(), frame.column_count()), (0, 0));
        assert!(frame.last_new().is_none() && frame.column(0).next().is_none());
    }

    #[test]
    fn an_unknown_quality_is_bad() {
        for (code, quality) in
            [(0, Quality::Good), (1, Quality::Uncertain), (2, Quality::Bad), (3, Quality::Stale), (4, Quality::Bad)]
        {
            assert_eq!(Quality::from_code(code), quality);
        }
    }
}
