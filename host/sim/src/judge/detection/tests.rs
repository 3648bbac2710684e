#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

/// One row a second: `!` alarm, `x` bad, `X` both, `.` neither.
fn rows(picture: &str) -> (Vec<f64>, Vec<bool>, Vec<bool>) {
    let times_s = (0..picture.len()).map(|i| i as f64).collect();
    let alarms = picture.chars().map(|c| c == '!' || c == 'X').collect();
    let truth = picture.chars().map(|c| c == 'x' || c == 'X').collect();
    (times_s, alarms, truth)
}

fn events(picture: &str, tolerance_s: f64) -> Events {
    let (times_s, alarms, truth) = rows(picture);
    Events::count(&times_s, &alarms, &truth, EventRules { tolerance_s, ..EventRules::default() }).unwrap()
}

#[test]
fn rows_are_counted_and_pooled() {
    let (_, alarms, truth) = rows("..!!.xXXX");
    let mut counts = PointCounts::count(&alarms, &truth).unwrap();
    assert_eq!(counts, PointCounts { tp: 3, fp: 2, tn: 3, fn_: 1 });
    assert_eq!((counts.precision(), counts.recall()), (Some(0.6), Some(0.75)));
    assert_eq!((counts.false_alarm_rate(), counts.missed_alarm_rate()), (Some(0.4), Some(0.25)));
    // The harmonic mean of 3/5 and 3/4.
    assert!((counts.f1().unwrap() - 2.0 * 0.6 * 0.75 / 1.35).abs() < 1e-12);
    counts.add(&PointCounts { tp: 1, fp: 0, tn: 3, fn_: 3 });
    // The pooled ratio, 4 of 8, is not the mean of 3/4 and 1/4 weighted otherwise.
    assert_eq!(counts.recall(), Some(0.5));
    assert_eq!(counts.false_alarm_rate(), Some(0.25));
}

#[test]
fn what_cannot_be_divided_is_none() {
    let silent = PointCounts::count(&[false; 4], &[false; 4]).unwrap();
    assert_eq!((silent.f1(), silent.precision(), silent.recall()), (None, None, None));
    assert_eq!((silent.false_alarm_rate(), silent.missed_alarm_rate()), (Some(0.0), None));
    let none = PointCounts::count(&[], &[]).unwrap();
    assert_eq!(none.false_alarm_rate(), None);
    assert!(matches!(PointCounts::count(&[true], &[]), Err(InputError::Lengths { left: 1, right: 0, .. })));
    assert_eq!(Events::default().mean_delay_s(), None);
    assert_eq!(Events::default().median_delay_s(), None);
    assert_eq!(Events::default().false_episodes_per_day(), None);
}

#[test]
fn events_are_found_with_their_delay() {
    for (picture, tolerance_s, delays_s, false_episodes) in [
        // The first alarm row counts, and later ones of the same event do not count again.
        ("..xxXXxX..", 0.0, vec![2.0], 0),
        // After the event is too late, unless forgiven; one second past the tolerance is late again.
        ("..xxx!....", 0.0, vec![], 1),
        ("..xxx!....", 1.0, vec![3.0], 0),
        ("..xxx.!...", 1.0, vec![], 1),
        // Two events, one alarm through both.
        ("..xXX!XX..", 0.0, vec![1.0, 0.0], 0),
        // The tolerance of the first ends where the second begins.
        (".xx.X.....", 9.0, vec![0.0], 0),
        // An episode that ends on the row before the event is false; a second one in it is not.
        ("!!.!!xxX!!", 0.0, vec![2.0], 2),
    ] {
        let judged = events(picture, tolerance_s);
        assert_eq!(judged.delays_s, delays_s, "{picture} {tolerance_s}");
        assert_eq!(judged.false_episodes, false_episodes, "{picture} {tolerance_s}");
    }
}

#[test]
fn an_alarm_that_stood_before_is_told() {
    let standing = events(".!!!XXX..", 0.0);
    assert_eq!((standing.found(), standing.stood_before, standing.false_episodes), (1, 1, 0));
    assert_eq!(standing.delays_s, [0.0]);
    let fresh = events("....XXX..", 0.0);
    assert_eq!((fresh.found(), fresh.stood_before), (1, 0));
}

#[test]
fn false_episodes_are_told_per_day_of_normal_running() {
    // Rows about every minute, with a pause of an hour that stands for five minutes at most.
    let times_s = [0.0, 60.0, 130.0, 180.0, 3780.0, 3840.0, 3900.0];
    let truth = [false, false, true, false, false, false, false];
    let alarms = [false, true, false, false, true, true, false];
    let rules = EventRules { tolerance_s: 0.0, max_gap_s: 300.0 };
    let mut judged = Events::count(&times_s, &alarms, &truth, rules).unwrap();
    assert_eq!(judged.normal_s, 60.0 + 70.0 + 300.0 + 60.0 + 60.0);
    assert_eq!((judged.events, judged.found(), judged.episodes, judged.false_episodes), (1, 0, 2, 2));
    assert_eq!(judged.false_episodes_per_day(), Some(2.0 * 86_400.0 / 550.0));
    let other = Events { events: 1, delays_s: vec![4.0], normal_s: 550.0, ..Events::default() };
    judged.add(&other);
    assert_eq!((judged.found_share(), judged.mean_delay_s()), (Some(0.5), Some(4.0)));
    assert_eq!(judged.false_episodes_per_day(), Some(2.0 * 86_400.0 / 1100.0));
}

#[test]
fn the_median_takes_the_middle() {
    let with = |delays_s: &[f64]| Events { delays_s: delays_s.to_vec(), ..Events::default() }.median_delay_s();
    assert_eq!(with(&[9.0, 1.0, 3.0]), Some(3.0));
    assert_eq!(with(&[9.0, 1.0, 3.0, 4.0]), Some(3.5));
    assert_eq!(with(&[7.0]), Some(7.0));
}

#[test]
fn bad_input_is_an_error() {
    let judged = |times_s: &[f64], rules| Events::count(times_s, &[false; 2], &[false; 2], rules);
    let plain = EventRules::default();
    assert!(matches!(judged(&[0.0], plain), Err(InputError::Lengths { .. })));
    assert!(matches!(judged(&[0.0, f64::NAN], plain), Err(InputError::NotFinite { row: 1, .. })));
    assert_eq!(judged(&[1.0, 0.0], plain), Err(InputError::TimeFalls(1)));
    assert!(matches!(Events::count(&[], &[], &[], plain), Err(InputError::Empty(_))));
    assert!(judged(&[0.0, 1.0], EventRules { tolerance_s: f64::NAN, ..plain }).is_err());
    assert!(judged(&[0.0, 1.0], EventRules { tolerance_s: -1.0, ..plain }).is_err());
    assert!(judged(&[0.0, 1.0], EventRules { max_gap_s: 0.0, ..plain }).is_err());
    assert!(judged(&[0.0, 1.0], EventRules { max_gap_s: f64::NAN, ..plain }).is_err());
}

/// Against the definitions, taken literally, on every picture of seven rows.
#[test]
fn all_short_pictures_agree_with_the_definitions() {
    let signs = ['.', '!', 'x', 'X'];
    for code in 0..4_usize.pow(7) {
        let picture: String = (0..7).map(|place| signs[code / 4_usize.pow(place) % 4]).collect();
        for tolerance_s in [0.0, 1.0, 2.0] {
            let (_, alarms, truth) = rows(&picture);
            let judged = events(&picture, tolerance_s);
            let runs = |flags: &[bool]| -> Vec<(usize, usize)> {
                let begins = (0..7).filter(|&i| flags[i] && (i == 0 || !flags[i - 1]));
                begins.map(|i| (i, (i..7).take_while(|&j| flags[j]).last().unwrap())).collect()
            };
            let faults = runs(&truth);
            let reach = |k: usize| {
                let next = faults.get(k + 1).map_or(usize::MAX, |(from, _)| from - 1);
                (faults[k].0, (faults[k].1 + tolerance_s as usize).min(next))
            };
            let of = |k: usize| (reach(k).0..=reach(k).1.min(6)).find(|&i| alarms[i]);
            let delays_s: Vec<f64> =
                (0..faults.len()).filter_map(|k| of(k).map(|i| (i - faults[k].0) as f64)).collect();
            let touches =
                |&(from, to): &(usize, usize)| (0..faults.len()).any(|k| from <= reach(k).1 && reach(k).0 <= to);
            let false_episodes = runs(&alarms).iter().filter(|run| !touches(run)).count() as u64;
            let stood = faults.iter().filter(|(from, _)| alarms[*from] && *from > 0 && alarms[from - 1]).count() as u64;
            let expected = (faults.len() as u64, &delays_s, false_episodes, runs(&alarms).len() as u64, stood);
            let got = (judged.events, &judged.delays_s, judged.false_episodes, judged.episodes, judged.stood_before);
            assert_eq!(got, expected, "{picture} {tolerance_s}");
        }
    }
}
