//! A file with a key, in memory: each asset's rows in its order, and the assets merged by time.

use super::CsvError;
use super::rows::{Row, Rows};
use dinrail_core::time::TimeNs;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Cells that a file with a key may have: 128 MiB of memory, three times the largest public set of engines.
pub const MAX_KEYED_CELLS: usize = 4 * 1024 * 1024;

/// The rows that were not taken yet.
pub(super) struct Merge {
    assets: Vec<VecDeque<Row>>,
    /// Time of the first row of each asset that has one; among equals the asset that came first.
    heads: BinaryHeap<Reverse<(TimeNs, usize)>>,
}

impl Merge {
    /// Reads the rest of the file.
    pub(super) fn read(first: Option<Row>, rows: &mut Rows) -> Result<Merge, CsvError> {
        let mut assets: Vec<VecDeque<Row>> = Vec::new();
        let mut cells = 0;
        let mut next = first;
        while let Some(row) = next {
            // A row without cells has its own cost.
            cells += row.values.len().max(1);
            if cells > MAX_KEYED_CELLS {
                return Err(CsvError::TooManyCells {
                    path: rows.options().path.clone(),
                    line: rows.line(),
                    limit: MAX_KEYED_CELLS,
                });
            }
            if assets.len() <= row.asset {
                assets.resize_with(row.asset + 1, VecDeque::new);
            }
            assets[row.asset].push_back(row);
            next = rows.next_row()?;
        }
        let mut merge = Merge { heads: BinaryHeap::with_capacity(assets.len()), assets };
        for asset in 0..merge.assets.len() {
            merge.offer(asset);
        }
        Ok(merge)
    }

    pub(super) fn next_time(&self) -> Option<TimeNs> {
        self.heads.peek().map(|Reverse((time_ns, _))| *time_ns)
    }

    fn offer(&mut self, asset: usize) {
        if let Some(row) = self.assets[asset].front() {
            self.heads.push(Reverse((row.time_ns, asset)));
        }
    }
}

impl Iterator for Merge {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let Reverse((_, asset)) = self.heads.pop()?;
        let row = self.assets[asset].pop_front();
        self.offer(asset);
        row
    }
}
