//! State as bytes: one description of a structure's fields serves saving and restoring, so that the two cannot differ.
//!
//! Numbers are little-endian f64 in the order of the fields. The reader bounds every length by what it was given.

/// Writes fields, or reads them back.
pub enum Bytes<'a> {
    /// Saving: grows.
    Write(Vec<u8>),
    /// Restoring: shrinks.
    Read(&'a [u8]),
}

/// The bytes are not a state of this structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the saved state is cut short or of another shape")]
pub struct ForeignState;

impl Bytes<'_> {
    /// One number.
    pub fn number(&mut self, value: &mut f64) -> Result<(), ForeignState> {
        match self {
            Self::Write(out) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Read(from) => {
                let (head, rest) = from.split_first_chunk::<8>().ok_or(ForeignState)?;
                (*value, *from) = (f64::from_le_bytes(*head), rest);
            }
        }
        Ok(())
    }

    /// Numbers of a shape that both sides know.
    pub fn numbers<'v>(&mut self, values: impl IntoIterator<Item = &'v mut f64>) -> Result<(), ForeignState> {
        values.into_iter().try_for_each(|value| self.number(value))
    }

    /// A count below 2^53.
    pub fn count(&mut self, value: &mut u64) -> Result<(), ForeignState> {
        let mut number = *value as f64;
        self.number(&mut number)?;
        if !(number.is_finite() && number >= 0.0 && number.fract() == 0.0) {
            return Err(ForeignState);
        }
        *value = number as u64;
        Ok(())
    }

    /// A number that may be missing.
    pub fn maybe(&mut self, value: &mut Option<f64>) -> Result<(), ForeignState> {
        // NaN stands for none: no field of this crate is ever NaN.
        let mut number = value.unwrap_or(f64::NAN);
        self.number(&mut number)?;
        *value = Some(number).filter(|n| !n.is_nan());
        Ok(())
    }

    /// Something that both sides must have alike, such as a dimension.
    pub fn same(&mut self, value: u64) -> Result<(), ForeignState> {
        let mut stored = value;
        self.count(&mut stored)?;
        if stored == value { Ok(()) } else { Err(ForeignState) }
    }

    /// Nothing may be left over.
    pub fn end(self) -> Result<Vec<u8>, ForeignState> {
        match self {
            Self::Write(out) => Ok(out),
            Self::Read([]) => Ok(Vec::new()),
            Self::Read(_) => Err(ForeignState),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    fn fields(io: &mut Bytes<'_>, state: &mut (f64, Option<f64>, u64)) -> Result<(), ForeignState> {
        io.same(7)?;
        io.number(&mut state.0)?;
        io.maybe(&mut state.1)?;
        io.count(&mut state.2)
    }

    fn read(bytes: &[u8]) -> Result<(f64, Option<f64>, u64), ForeignState> {
        let (mut io, mut state) = (Bytes::Read(bytes), (0.0, Some(1.0), 0));
        fields(&mut io, &mut state)?;
        io.end()?;
        Ok(state)
    }

    #[test]
    fn what_was_written_comes_back_and_nothing_else_is_taken() {
        let mut io = Bytes::Write(Vec::new());
        fields(&mut io, &mut (-0.25, None, 9)).unwrap();
        let bytes = io.end().unwrap();
        assert_eq!(read(&bytes), Ok((-0.25, None, 9)));
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Err(ForeignState), "{cut}");
        }
        assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), Err(ForeignState));
        assert_eq!(read(&[&8.0_f64.to_le_bytes(), &bytes[8..]].concat()), Err(ForeignState));
        assert_eq!(read(&[&bytes[..24], &0.5_f64.to_le_bytes()].concat()), Err(ForeignState));
    }
}
