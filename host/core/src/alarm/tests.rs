//! Alarms as scripts: a character a second says what the condition is, letters between them what an operator does.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::image::ProcessImage;
use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
use crate::tag::{Tag, TagTable};
use crate::time::SECOND_NS;
use crate::unit::Unit;
use proptest::prelude::*;

const SECOND: TimeNs = SECOND_NS as TimeNs;

/// Runs a script and tells what happened, each as `SECOND EVENT STATE`, and whether a word was refused.
///
/// `1`, `0`, `?`: a second in which the condition is on, off, unknown; `a` acknowledges, `s` shelves for 5 s, `u` takes back.
fn run(alarm: &mut Alarm, script: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut second = -1;
    for step in script.chars().filter(|step| *step != ' ') {
        let word = |result: Result<(AlarmState, AlarmState), AlarmError>, what: &str| match result {
            Ok((_, state)) => format!("{what} {}", state.name()),
            Err(error) => format!("{what}: {error}"),
        };
        let condition = match step {
            'a' => {
                told.push(format!("{second} {}", word(alarm.acknowledge(), "acknowledged")));
                continue;
            }
            's' => {
                told.push(format!("{second} {}", word(alarm.shelve(second * SECOND, 5 * SECOND_NS), "shelved")));
                continue;
            }
            'u' => {
                told.push(format!("{second} {}", word(alarm.unshelve(), "unshelved")));
                continue;
            }
            '1' => Some(true),
            '0' => Some(false),
            _ => None,
        };
        second += 1;
        for (event, _, state) in alarm.observe(condition, second * SECOND) {
            told.push(format!("{second} {} {}", event.name(), state.name()));
        }
    }
    told
}

fn check(delays: (u64, u64), script: &str, expected: &[&str]) {
    let delays = Delays { on_ns: delays.0 * SECOND_NS, off_ns: delays.1 * SECOND_NS };
    assert_eq!(run(&mut Alarm::new(delays), script), expected, "{delays:?} {script}");
}

#[test]
fn it_is_raised_acknowledged_and_returns() {
    for (script, expected) in [
        (
            "0011a100",
            &["2 raised unacknowledged-active", "3 acknowledged acknowledged-active", "5 returned normal"][..],
        ),
        ("010a", &["1 raised unacknowledged-active", "2 returned returned-unacknowledged", "2 acknowledged normal"]),
        (
            "0101a",
            &[
                "1 raised unacknowledged-active",
                "2 returned returned-unacknowledged",
                "3 raised unacknowledged-active",
                "3 acknowledged acknowledged-active",
            ],
        ),
        ("0a", &["0 acknowledged: there is nothing to acknowledge: it is normal"]),
        (
            "1aa",
            &[
                "0 raised unacknowledged-active",
                "0 acknowledged acknowledged-active",
                "0 acknowledged: there is nothing to acknowledge: it is acknowledged-active",
            ],
        ),
        ("0000", &[]),
    ] {
        check((0, 0), script, expected);
    }
}

#[test]
fn delays_are_waited_for_to_the_moment() {
    for (delays, script, expected) in [
        // On for one second less than the delay, for just as long, and with a gap in between.
        ((3, 0), "0 111 000", &[][..]),
        ((3, 0), "0 1111", &["4 raised unacknowledged-active"]),
        ((3, 0), "0 110 1111", &["7 raised unacknowledged-active"]),
        ((0, 3), "1 000 1", &["0 raised unacknowledged-active"]),
        ((0, 3), "1 0000", &["0 raised unacknowledged-active", "4 returned returned-unacknowledged"]),
    ] {
        check(delays, script, expected);
    }
}

#[test]
fn what_nobody_can_know_changes_nothing_and_is_said_after_a_while() {
    let ten = "??????????";
    for (delays, script, expected) in [
        ((0, 0), "1?????0", &["0 raised unacknowledged-active", "6 returned returned-unacknowledged"][..]),
        ((0, 0), "0?????1", &["6 raised unacknowledged-active"]),
        // A delay that runs goes on through the gap, and is not over before the condition is known again.
        ((3, 0), "01????1", &["6 raised unacknowledged-active"]),
        ((3, 0), "01????01", &[]),
        ((3, 0), "0?????1", &[]),
        ((0, 0), &format!("0{ten}0"), &[]),
        ((0, 0), &format!("0{ten}?0"), &["11 blind normal", "12 sighted normal"]),
        (
            (0, 0),
            &format!("1{ten}?1"),
            &["0 raised unacknowledged-active", "11 blind unacknowledged-active", "12 sighted unacknowledged-active"],
        ),
    ] {
        check(delays, script, expected);
    }
}

#[test]
fn shelving_ends_and_what_is_on_then_is_told_anew() {
    for (script, expected) in [
        // For five seconds: to the moment.
        ("0s00000", &["0 shelved shelved", "5 shelving-ended normal"][..]),
        (
            "1s111111",
            &["0 raised unacknowledged-active", "0 shelved shelved", "5 shelving-ended unacknowledged-active"],
        ),
        // Raised and returned meanwhile: nothing is told.
        ("0s1100000", &["0 shelved shelved", "5 shelving-ended normal"]),
        ("0s01111111", &["0 shelved shelved", "5 shelving-ended unacknowledged-active"]),
        (
            "1as11u",
            &[
                "0 raised unacknowledged-active",
                "0 acknowledged acknowledged-active",
                "0 shelved shelved",
                "2 unshelved unacknowledged-active",
            ],
        ),
        ("0u", &["0 unshelved: it is not shelved"]),
        (
            "0s1a",
            &["0 shelved shelved", "1 acknowledged: it is shelved; take it back first, by `dinrail alarms unshelve`"],
        ),
        // Once more: the time begins anew.
        ("0s000s000000", &["0 shelved shelved", "3 shelved shelved", "8 shelving-ended normal"]),
    ] {
        check((0, 0), script, expected);
    }
}

#[test]
fn a_shelving_has_a_longest_time() {
    let mut alarm = Alarm::new(Delays::default());
    for (for_ns, expected) in
        [(0, false), (1, true), (MAX_SHELVING_NS, true), (MAX_SHELVING_NS + 1, false), (u64::MAX, false)]
    {
        assert_eq!(alarm.shelve(0, for_ns).is_ok(), expected, "{for_ns}");
    }
}

/// The figure that alarm delays are judged by.
#[test]
fn a_thousand_crossings_make_one_alarm() {
    let mut alarm = Alarm::new(Delays { on_ns: SECOND_NS, off_ns: 10 * SECOND_NS });
    let script = format!("111{}", "01".repeat(1_000));
    assert_eq!(run(&mut alarm, &script), ["1 raised unacknowledged-active"]);
    assert_eq!((alarm.raises(), alarm.is_chattering()), (1, false));
    // The same without delays chatters.
    let mut alarm = Alarm::new(Delays::default());
    run(&mut alarm, &script);
    assert_eq!(alarm.raises(), 1_001);
    assert!(alarm.is_chattering() && alarm.chattering_raises() == 1_001 - CHATTERING_RAISES as u64);
}

#[test]
fn chattering_is_more_than_three_raises_in_a_minute() {
    let every = |seconds: usize, raises: usize| format!("1{}", "0".repeat(seconds - 1)).repeat(raises);
    for (script, expected) in [
        (every(10, 3), 0),
        (every(10, 4), 1),
        (every(19, 4), 1),
        // The fourth comes just when the first is a minute old.
        (every(20, 4), 0),
        (format!("{}{}", every(5, 5), "0".repeat(60)), 2),
    ] {
        let mut alarm = Alarm::new(Delays::default());
        run(&mut alarm, &script);
        assert_eq!(alarm.chattering_raises(), expected, "{script}");
    }
    let mut alarm = Alarm::new(Delays::default());
    run(&mut alarm, &format!("{}{}", every(5, 5), "0".repeat(60)));
    assert!(!alarm.is_chattering(), "a quiet minute forgets it");
}

#[test]
fn time_that_runs_backward_stands_still() {
    let mut alarm = Alarm::new(Delays { on_ns: 10 * SECOND_NS, off_ns: 0 });
    assert!(alarm.observe(Some(true), 100 * SECOND).is_empty());
    assert!(alarm.observe(Some(true), 0).is_empty());
    assert!(alarm.observe(Some(true), 109 * SECOND).is_empty());
    assert_eq!(alarm.observe(Some(true), 110 * SECOND).len(), 1);
    assert!(alarm.observe(Some(false), TimeNs::MAX).len() == 1 && alarm.observe(Some(true), TimeNs::MIN).is_empty());
}

/// A tank with two alarms, and two that the host raises.
struct Plant {
    tags: TagTable,
    image: ProcessImage,
    board: AlarmBoard,
    now_ns: TimeNs,
}

impl Plant {
    fn new() -> Plant {
        let mut tags = TagTable::default();
        tags.add(Tag::new("level", Unit::parse("%").unwrap())).unwrap();
        let spec = |name: &str, priority, when: Option<&str>| AlarmSpec {
            name: name.to_owned(),
            priority,
            delays: Delays::default(),
            text: format!("what to do about {name}"),
            when: when.map(|text| Expression::parse(text, &tags).unwrap()),
        };
        let board = AlarmBoard::new([
            spec("high", Priority::High, Some("level > 90 % hysteresis 5 % for 2s")),
            spec("low", Priority::Low, Some("level < 10 %")),
            spec("host.one", Priority::Critical, None),
            spec("host.two", Priority::Medium, None),
        ]);
        Plant { image: ProcessImage::new(&tags), tags, board, now_ns: 0 }
    }

    /// A second later, with this level.
    fn scan(&mut self, level: f64, host: &[bool]) -> Vec<AlarmTransition> {
        self.now_ns += SECOND;
        let values = vec![(self.tags.find("level").unwrap(), RawValue::Number(level))];
        let reading =
            Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns: self.now_ns, values };
        self.image.apply(&self.tags, &reading, self.now_ns);
        self.board.scan(self.now_ns, &self.image, host)
    }

    fn told(&self, transitions: &[AlarmTransition]) -> Vec<(&'static str, String, AlarmEvent)> {
        let specs = self.board.specs();
        let one = |told: &AlarmTransition| (told.priority.name(), specs[told.alarm.index()].name.clone(), told.event);
        transitions.iter().map(one).collect()
    }
}

#[test]
fn a_board_tells_conditions_hosts_and_operators_in_one_record() {
    let mut plant = Plant::new();
    assert!(plant.scan(50.0, &[]).is_empty());
    assert!(plant.scan(95.0, &[]).is_empty() && plant.scan(95.0, &[]).is_empty());
    let raised = plant.scan(96.0, &[false, true]);
    let expected =
        [("high", "high".to_owned(), AlarmEvent::Raised), ("medium", "host.two".to_owned(), AlarmEvent::Raised)];
    assert_eq!(plant.told(&raised), expected);
    assert_eq!(raised[0].witnesses.iter().map(|seen| seen.value).collect::<Vec<_>>(), [96.0]);
    assert!(raised[1].witnesses.is_empty());

    let id = plant.board.find("high").unwrap();
    let word = Word { user: "ada".into(), reason: "known".into(), until_ns: None };
    let states = plant.board.acknowledge(id, word.clone(), plant.now_ns).unwrap();
    assert_eq!(states, (AlarmState::UnacknowledgedActive, AlarmState::AcknowledgedActive));
    assert!(
        plant.board.acknowledge(id, word.clone(), plant.now_ns).is_err(),
        "a word that is refused is no transition"
    );
    plant.board.shelve(id, word.clone(), plant.now_ns, SECOND_NS).unwrap();
    let standing = plant.board.standings().next().unwrap();
    assert_eq!(standing.shelved_by.unwrap().until_ns, Some(plant.now_ns + SECOND));

    let next = plant.scan(96.0, &[false, true]);
    let of_high = |event| ("high", "high".to_owned(), event);
    assert_eq!(
        plant.told(&next),
        [of_high(AlarmEvent::Acknowledged), of_high(AlarmEvent::Shelved), of_high(AlarmEvent::ShelvingEnded)]
    );
    assert_eq!(next[0].word.as_ref().map(|word| word.user.as_str()), Some("ada"));
    assert!(plant.board.standings().next().unwrap().shelved_by.is_none());
    // 86 is within the hysteresis, 84 is not; a bad sample changes nothing.
    assert!(plant.scan(86.0, &[false, true]).is_empty() && plant.scan(f64::NAN, &[false, true]).is_empty());
    let returned = plant.scan(84.0, &[]);
    assert_eq!(
        plant.told(&returned),
        [of_high(AlarmEvent::Returned), ("medium", "host.two".to_owned(), AlarmEvent::Returned)]
    );
    assert!(plant.board.find("hgih").is_none() && plant.board.has_conditions());
}

#[test]
fn alarms_of_a_severity_can_be_chosen() {
    let mut plant = Plant::new();
    let raised = plant.scan(5.0, &[true, true]);
    let grave = raised.iter().filter(|told| told.priority >= Priority::High);
    assert_eq!(grave.map(|told| told.priority).collect::<Vec<_>>(), [Priority::Critical]);
    assert_eq!(raised.len(), 3);
}

proptest! {
    /// Whatever happens: each event leaves from the state the one before came to, nothing is told of what is shelved,
    /// shelving ends, and what is raised is not acknowledged.
    #[test]
    fn transitions_form_a_chain(
        script in "[01?asu]{0,200}", on_s in 0_u64..4, off_s in 0_u64..4,
    ) {
        let mut alarm = Alarm::new(Delays { on_ns: on_s * SECOND_NS, off_ns: off_s * SECOND_NS });
        let (mut state, mut second, mut shelved_at) = (AlarmState::Normal, 0, 0);
        for step in script.chars() {
            let steps = match step {
                'a' => alarm.acknowledge().map(|(b, s)| (AlarmEvent::Acknowledged, b, s)).into_iter().collect(),
                's' => {
                    shelved_at = second;
                    let shelved = alarm.shelve(second * SECOND, 5 * SECOND_NS);
                    shelved.map(|(b, s)| (AlarmEvent::Shelved, b, s)).into_iter().collect()
                }
                'u' => alarm.unshelve().map(|(b, s)| (AlarmEvent::Unshelved, b, s)).into_iter().collect(),
                _ => {
                    second += 1;
                    let says = match step { '1' => Some(true), '0' => Some(false), _ => None };
                    alarm.observe(says, second * SECOND)
                }
            };
            for (event, before, after) in steps {
                prop_assert_eq!(before, state);
                state = after;
                match event {
                    AlarmEvent::Raised => prop_assert_eq!(state, AlarmState::UnacknowledgedActive),
                    AlarmEvent::Returned => prop_assert!(
                        matches!(state, AlarmState::Normal | AlarmState::ReturnedUnacknowledged)
                    ),
                    AlarmEvent::Shelved => prop_assert_eq!(state, AlarmState::Shelved),
                    AlarmEvent::ShelvingEnded | AlarmEvent::Unshelved => prop_assert!(
                        matches!(state, AlarmState::Normal | AlarmState::UnacknowledgedActive)
                    ),
                    AlarmEvent::Blind | AlarmEvent::Sighted => prop_assert_eq!(state, before),
                    AlarmEvent::Acknowledged => prop_assert!(
                        matches!(state, AlarmState::Normal | AlarmState::AcknowledgedActive)
                    ),
                }
            }
            prop_assert_eq!(state, alarm.state());
            prop_assert!(state != AlarmState::Shelved || second - shelved_at < 5);
            prop_assert!(alarm.chattering_raises() <= alarm.raises());
        }
    }
}
