//! Which operating regime a row was taken in: the nearest of the fleet's, by the settings that are known.

/// The fleet's regimes.
#[derive(Clone, Debug, PartialEq)]
pub struct Regimes {
    /// One for each setting: how far a reading may lie from its regime's.
    pub tolerances: Vec<f64>,
    /// regimes × settings.
    pub centres: Vec<Vec<f64>>,
}

impl Regimes {
    /// The regime, where the settings that are known lie within the tolerance of exactly one. With a single regime it is
    /// that one, whatever the settings say: there is nothing to confuse it with.
    #[must_use]
    pub fn of(&self, settings: &[Option<f64>]) -> Option<usize> {
        if self.centres.len() == 1 {
            return Some(0);
        }
        let mut within = self.centres.iter().enumerate().filter(|(_, centre)| self.fits(centre, settings));
        let (found, _) = within.next()?;
        within.next().is_none().then_some(found)
    }

    /// Whether the settings that are known are those of some regime.
    #[must_use]
    pub fn knows(&self, settings: &[Option<f64>]) -> bool {
        self.centres.iter().any(|centre| self.fits(centre, settings))
    }

    fn fits(&self, centre: &[f64], settings: &[Option<f64>]) -> bool {
        let parts = settings.iter().zip(centre).zip(&self.tolerances);
        parts
            .into_iter()
            .all(|((setting, centre), tolerance)| setting.is_none_or(|setting| (setting - centre).abs() <= *tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: [Option<f64>; 2], expected: Option<usize>) {
        let centres = vec![vec![0.0, 100.0], vec![10.0, 100.0], vec![25.0, 60.0]];
        let regimes = Regimes { tolerances: vec![2.0, 1.0], centres };
        assert_eq!(regimes.of(&settings), expected, "{settings:?}");
        assert_eq!(Regimes { centres: vec![vec![0.0, 0.0]], ..regimes }.of(&settings), Some(0));
    }

    #[test]
    fn a_row_belongs_to_the_one_regime_that_fits() {
        check([Some(0.4), Some(100.0)], Some(0));
        check([Some(12.0), Some(100.9)], Some(1));
        check([Some(12.1), Some(100.0)], None);
        check([Some(0.0), Some(60.0)], None);
        check([None, Some(60.0)], Some(2));
        check([None, Some(100.0)], None);
        check([Some(9.0), None], Some(1));
        check([None, None], None);
    }
}
