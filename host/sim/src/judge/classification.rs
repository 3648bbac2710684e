//! Predicted classes against true ones.

use super::input::{self, InputError, share};

/// The most classes a confusion matrix is made for: it has the square of them as cells.
pub const MAX_CLASSES: usize = 4096;

/// How often each class was taken for each, for any number of classes from 0 on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// By true class, then by predicted class.
    counts: Vec<u64>,
}

impl Confusion {
    /// Nothing counted yet.
    pub fn new(classes: usize) -> Result<Self, InputError> {
        input::in_range("classes", classes as f64, (1..=MAX_CLASSES).contains(&classes))?;
        Ok(Self { classes, counts: vec![0; classes * classes] })
    }

    /// Counts a whole file.
    pub fn count(truth: &[usize], predicted: &[usize], classes: usize) -> Result<Self, InputError> {
        if truth.len() != predicted.len() {
            return Err(InputError::Lengths { what: "truth and predicted", left: truth.len(), right: predicted.len() });
        }
        let mut confusion = Self::new(classes)?;
        truth.iter().zip(predicted).try_for_each(|(&t, &p)| confusion.observe(t, p))?;
        Ok(confusion)
    }

    /// Counts one item.
    pub fn observe(&mut self, truth: usize, predicted: usize) -> Result<(), InputError> {
        let classes = self.classes;
        let known = |class: usize| if class < classes { Ok(class) } else { Err(InputError::Class { class, classes }) };
        let at = known(truth)? * classes + known(predicted)?;
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        Ok(())
    }

    /// Pools other counts of as many classes with these.
    pub fn add(&mut self, other: &Self) -> Result<(), InputError> {
        input::same_length("classes", self.classes, other.classes)?;
        for (mine, others) in self.counts.iter_mut().zip(&other.counts) {
            *mine += others;
        }
        Ok(())
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many items of the class `truth` were taken for `predicted`; 0 for classes that do not exist.
    pub fn cell(&self, truth: usize, predicted: usize) -> u64 {
        let within = truth < self.classes && predicted < self.classes;
        if within { self.counts.get(truth * self.classes + predicted).copied().unwrap_or(0) } else { 0 }
    }

    /// All items.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Items that truly are of this class.
    pub fn of_class(&self, class: usize) -> u64 {
        (0..self.classes).map(|predicted| self.cell(class, predicted)).sum()
    }

    /// Items that were taken for this class.
    pub fn taken_for(&self, class: usize) -> u64 {
        (0..self.classes).map(|truth| self.cell(truth, class)).sum()
    }

    fn right(&self) -> u64 {
        (0..self.classes).map(|class| self.cell(class, class)).sum()
    }

    /// Right items over all; none without an item.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.right(), self.total())
    }

    /// Of the items taken for this class, the share that is of it; none where nothing was taken for it.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.cell(class, class), self.taken_for(class))
    }

    /// Of the items of this class, the share that was taken for it; none where there is no such item.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.cell(class, class), self.of_class(class))
    }

    /// 2 tp / (2 tp + fp + fn) of this class against the rest (van Rijsbergen 1979); none where no item is of it and
    /// none was taken for it.
    pub fn f1(&self, class: usize) -> Option<f64> {
        share(2 * self.cell(class, class), self.of_class(class) + self.taken_for(class))
    }

    /// Mean of the F1 of all classes that occur in truth or prediction, each with the same weight (Opitz & Burst,
    /// *Macro F1 and Macro F1*, 2019: the mean of the F1s, not the F1 of the means).
    pub fn macro_f1(&self) -> Option<f64> {
        mean((0..self.classes).filter_map(|class| self.f1(class)))
    }

    /// Mean recall of the classes that truly occur (Brodersen et al., *The Balanced Accuracy and Its Posterior
    /// Distribution*, ICPR 2010): 1/2 for a guess between two classes, however rare one is.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        mean((0..self.classes).filter_map(|class| self.recall(class)))
    }

    /// Matthews' correlation coefficient for any number of classes, Gorodkin's R_K (*Comparing two K-category
    /// assignments by a K-category correlation coefficient*, 2004): 1 is perfect, 0 no better than chance.
    ///
    /// None where it is 0/0, all items being of one class or taken for one.
    pub fn mcc(&self) -> Option<f64> {
        let (right, total) = (self.right() as f64, self.total() as f64);
        let (mut both, mut taken, mut of) = (0.0, 0.0, 0.0);
        for class in 0..self.classes {
            let (t, p) = (self.of_class(class) as f64, self.taken_for(class) as f64);
            both += t * p;
            taken += p * p;
            of += t * t;
        }
        let (spread_of, spread_taken) = (total * total - of, total * total - taken);
        let defined = spread_of > 0.0 && spread_taken > 0.0;
        defined.then(|| (right * total - both) / (spread_of.sqrt() * spread_taken.sqrt()))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u64), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests;
