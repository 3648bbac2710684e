#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

fn close(got: Option<f64>, expected: f64) {
    assert!((got.unwrap() - expected).abs() < 1e-12, "{got:?} where {expected} was expected");
}

/// Rows by true class, columns by predicted class.
fn table<const N: usize>(rows: [[u64; N]; N]) -> Confusion {
    Confusion { classes: N, counts: rows.concat() }
}

#[test]
fn two_classes_by_hand() {
    // 90 of 95 and 2 of 5: tn 90, fp 5, fn 3, tp 2.
    let confusion = table([[90, 5], [3, 2]]);
    close(confusion.accuracy(), 0.92);
    close(confusion.precision(1), 2.0 / 7.0);
    close(confusion.recall(1), 0.4);
    close(confusion.f1(1), 4.0 / 12.0);
    close(confusion.f1(0), 180.0 / 188.0);
    close(confusion.macro_f1(), (1.0 / 3.0 + 180.0 / 188.0) / 2.0);
    close(confusion.balanced_accuracy(), (90.0 / 95.0 + 0.4) / 2.0);
    // Matthews' own formula for two classes.
    close(confusion.mcc(), (2.0 * 90.0 - 5.0 * 3.0) / (7.0 * 5.0 * 95.0 * 93.0_f64).sqrt());
}

#[test]
fn three_classes_by_hand() {
    let truth = [0, 0, 0, 1, 1, 2, 2, 2, 2];
    let predicted = [0, 1, 0, 1, 1, 2, 0, 2, 1];
    let confusion = Confusion::count(&truth, &predicted, 3).unwrap();
    assert_eq!(confusion, table([[2, 1, 0], [0, 2, 0], [1, 1, 2]]));
    assert_eq!((confusion.of_class(2), confusion.taken_for(1), confusion.total()), (4, 4, 9));
    close(confusion.accuracy(), 6.0 / 9.0);
    close(confusion.macro_f1(), (4.0 / 6.0 + 4.0 / 6.0 + 4.0 / 6.0) / 3.0);
    close(confusion.balanced_accuracy(), (2.0 / 3.0 + 1.0 + 0.5) / 3.0);
    // R_K: right 6, total 9, Σtp = 3·3 + 2·4 + 4·2 = 25, Σt² = 29, Σp² = 29.
    close(confusion.mcc(), (54.0 - 25.0) / (81.0 - 29.0));
}

#[test]
fn perfect_and_opposite() {
    let perfect = table([[3, 0], [0, 4]]);
    for figure in [perfect.accuracy(), perfect.macro_f1(), perfect.balanced_accuracy(), perfect.mcc()] {
        close(figure, 1.0);
    }
    close(table([[0, 3], [4, 0]]).mcc(), -1.0);
}

#[test]
fn classes_that_do_not_occur_are_left_out() {
    let confusion = table([[5, 1, 0], [0, 4, 0], [0, 0, 0]]);
    assert_eq!((confusion.precision(2), confusion.recall(2), confusion.f1(2)), (None, None, None));
    close(confusion.macro_f1(), (10.0 / 11.0 + 8.0 / 9.0) / 2.0);
    close(confusion.balanced_accuracy(), (5.0 / 6.0 + 1.0) / 2.0);
    // Predicted but never true: its F1 is 0 and counts, its recall is none.
    let invented = table([[5, 1], [0, 0]]);
    assert_eq!((invented.f1(1), invented.recall(1)), (Some(0.0), None));
    close(invented.macro_f1(), 5.0 / 11.0);
    // All of one class: a correlation has nothing to vary with.
    assert_eq!(invented.mcc(), None);
    let none = Confusion::new(2).unwrap();
    assert_eq!((none.accuracy(), none.macro_f1(), none.balanced_accuracy(), none.mcc()), (None, None, None, None));
}

#[test]
fn counts_are_pooled() {
    let mut pooled = table([[1, 2], [3, 4]]);
    pooled.add(&table([[10, 20], [30, 40]])).unwrap();
    assert_eq!(pooled, table([[11, 22], [33, 44]]));
    assert!(matches!(pooled.add(&Confusion::new(3).unwrap()), Err(InputError::Lengths { left: 2, right: 3, .. })));
}

#[test]
fn bad_input_is_an_error() {
    assert_eq!(Confusion::count(&[2], &[0], 2), Err(InputError::Class { class: 2, classes: 2 }));
    assert_eq!(Confusion::count(&[0], &[7], 2), Err(InputError::Class { class: 7, classes: 2 }));
    assert!(matches!(Confusion::count(&[0, 1], &[0], 2), Err(InputError::Lengths { .. })));
    assert!(Confusion::new(0).is_err() && Confusion::new(usize::MAX).is_err());
    assert_eq!(table([[1, 2], [3, 4]]).cell(0, 2), 0);
}
