#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn message(number: u64, delivery: Delivery) -> OutgoingMessage {
    OutgoingMessage {
        topic: "t".into(),
        payload: number.to_le_bytes().to_vec(),
        retain: false,
        delivery,
        expiry_s: None,
    }
}

fn number(handed: &Handed) -> u64 {
    u64::from_le_bytes(handed.message.payload.clone().try_into().unwrap())
}

#[test]
fn a_message_leaves_by_its_answer() {
    let mut outbox = Outbox::new(1_000);
    outbox.push(message(0, Delivery::AtLeastOnce));
    outbox.push(message(1, Delivery::AtMostOnce));
    outbox.push(message(2, Delivery::AtLeastOnce));
    for expected in 0..3 {
        assert_eq!(number(&outbox.hand_over(usize::MAX).unwrap()), expected);
    }
    assert_eq!(outbox.hand_over(usize::MAX), None);
    outbox.written(1);
    outbox.written(0);
    assert_eq!((outbox.len(), outbox.counts.sent), (2, 1), "what is written at QoS 0 is gone");
    outbox.written(2);
    outbox.answered(9, true);
    outbox.answered(2, false);
    outbox.answered(2, true);
    assert_eq!((outbox.len(), outbox.counts.refused, outbox.counts.acked), (1, 1, 0));
    outbox.answered(1, true);
    assert_eq!((outbox.len(), outbox.counts.acked, outbox.bytes), (0, 1, 0));
}

#[test]
fn what_is_not_answered_goes_out_again_in_order() {
    let mut outbox = Outbox::new(1_000);
    for sequence in 0..4 {
        outbox.push(message(sequence, Delivery::AtLeastOnce));
        let handed = outbox.hand_over(usize::MAX).unwrap();
        assert!(!handed.again);
    }
    outbox.written(1);
    outbox.written(2);
    outbox.written(3);
    outbox.answered(2, true);
    outbox.rewind();
    let again: Vec<_> = std::iter::from_fn(|| outbox.hand_over(usize::MAX)).map(|h| (number(&h), h.again)).collect();
    assert_eq!(again, [(0, true), (2, true), (3, false)], "the last was never written");
    assert_eq!(outbox.counts.resent, 2);
    // An answer of the old session means nothing.
    outbox.answered(1, true);
    assert_eq!(outbox.len(), 3);
}

#[test]
fn the_oldest_that_waits_is_dropped() {
    let limit = WINDOW + 10;
    let mut outbox = Outbox::new(limit);
    for sequence in 0..limit as u64 {
        outbox.push(message(sequence, Delivery::AtLeastOnce));
    }
    let on_their_way: Vec<_> = std::iter::from_fn(|| outbox.hand_over(usize::MAX)).map(|h| number(&h)).collect();
    assert_eq!(on_their_way, (0..WINDOW as u64).collect::<Vec<_>>(), "the window is the most");
    outbox.push(message(1_000, Delivery::AtLeastOnce));
    assert_eq!((outbox.len(), outbox.counts.dropped), (limit, 1));
    for packet in 1..=WINDOW as u16 {
        outbox.written(packet);
        outbox.answered(packet, true);
    }
    let rest: Vec<_> = std::iter::from_fn(|| outbox.hand_over(usize::MAX)).map(|h| number(&h)).collect();
    assert_eq!(rest[0], WINDOW as u64 + 1, "the first that waited is gone");
    assert_eq!(rest.last(), Some(&1_000));
}

#[test]
fn bytes_are_bounded_and_a_packet_too_large_is_dropped() {
    let mut outbox = Outbox::new(usize::MAX);
    let large = |bytes| OutgoingMessage { payload: vec![0; bytes], ..message(0, Delivery::AtLeastOnce) };
    for _ in 0..200 {
        outbox.push(large(512 * 1024));
    }
    assert!(outbox.bytes <= MAX_OUTBOX_BYTES && outbox.bytes > MAX_OUTBOX_BYTES - 1024 * 1024);
    assert_eq!(outbox.counts.dropped + outbox.len() as u64, 200);

    let mut outbox = Outbox::new(1_000);
    outbox.push(large(1_000));
    outbox.push(large(10));
    let size = large(10).size();
    assert_eq!(outbox.hand_over(size).unwrap().message.payload.len(), 10);
    assert_eq!((outbox.counts.too_large, outbox.len()), (1, 1));
    assert_eq!(outbox.hand_over(size), None);
}

/// What happens to a link.
#[derive(Clone, Debug)]
enum Step {
    Publish(bool),
    HandOver,
    Write,
    /// The answer to the message that is in flight at this place, modulo their number.
    Answer(usize, bool),
    /// Its answer is lost with the link, though the broker has it.
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::bool::weighted(0.8).prop_map(Step::Publish),
        4 => Just(Step::HandOver),
        4 => Just(Step::Write),
        3 => (any::<usize>(), proptest::bool::weighted(0.95)).prop_map(|(at, taken)| Step::Answer(at, taken)),
        1 => Just(Step::Drop),
    ]
}

/// A broker and a client as they may behave at worst, beside the outbox.
#[derive(Default)]
struct World {
    /// Handed to the client and not written: number and whether it is QoS 1.
    client: VecDeque<(u64, bool)>,
    in_flight: Vec<(u16, u64)>,
    next_packet: u16,
    /// What the broker saw, with the mark.
    seen: Vec<(u64, bool)>,
    refused: BTreeSet<u64>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// However links drop, while there is room nothing accepted at QoS 1 is lost, what comes twice is marked, new
    /// messages come in order, and every message is counted exactly once.
    #[test]
    fn nothing_accepted_is_lost(steps in proptest::collection::vec(step(), 0..400)) {
        let mut outbox = Outbox::new(10_000);
        let mut world = World::default();
        let mut accepted = vec![];
        let settle = std::iter::repeat_n([Step::HandOver, Step::Write, Step::Answer(0, true)], 500).flatten();
        for step in steps.into_iter().chain([Step::Drop]).chain(settle) {
            match step {
                Step::Publish(sure) => {
                    let number = accepted.len() as u64;
                    let delivery = if sure { Delivery::AtLeastOnce } else { Delivery::AtMostOnce };
                    outbox.push(message(number, delivery));
                    accepted.push(sure);
                }
                Step::HandOver => {
                    if let Some(handed) = outbox.hand_over(usize::MAX) {
                        let sure = handed.message.delivery == Delivery::AtLeastOnce;
                        let number = number(&handed);
                        let seen_before = world.seen.iter().any(|(seen, _)| *seen == number);
                        prop_assert!(!seen_before || handed.again, "{} would come twice unmarked", number);
                        world.client.push_back((number, sure));
                        prop_assert!(world.client.len() + world.in_flight.len() <= WINDOW);
                    }
                }
                Step::Write => {
                    if let Some((number, sure)) = world.client.pop_front() {
                        let again = world.seen.iter().any(|(seen, _)| *seen == number);
                        world.seen.push((number, again));
                        world.next_packet = world.next_packet.checked_add(1).unwrap_or(1);
                        outbox.written(if sure { world.next_packet } else { 0 });
                        if sure {
                            world.in_flight.push((world.next_packet, number));
                        }
                    }
                }
                Step::Answer(at, taken) => {
                    if !world.in_flight.is_empty() {
                        let (packet, number) = world.in_flight.remove(at % world.in_flight.len());
                        outbox.answered(packet, taken);
                        if !taken {
                            world.refused.insert(number);
                        }
                    }
                }
                Step::Drop => {
                    world.client.clear();
                    world.in_flight.clear();
                    world.next_packet = 0;
                    outbox.rewind();
                }
            }
            let counts = outbox.counts;
            prop_assert_eq!(
                counts.accepted,
                counts.sent + counts.acked + counts.refused + counts.dropped + outbox.len() as u64
            );
        }
        prop_assert_eq!(outbox.len(), 0, "everything settles");
        prop_assert_eq!(outbox.counts.dropped, 0);
        let arrived: BTreeSet<u64> = world.seen.iter().map(|(number, _)| *number).collect();
        for (number, _) in accepted.iter().enumerate() {
            prop_assert!(arrived.contains(&(number as u64)), "{} never arrived", number);
        }
        let first: Vec<u64> = world.seen.iter().filter(|(_, again)| !again).map(|(number, _)| *number).collect();
        prop_assert!(first.windows(2).all(|pair| pair[0] < pair[1]), "new messages in order: {:?}", first);
        let unsure_twice = world.seen.iter().filter(|(number, again)| *again && !accepted[*number as usize]).count();
        prop_assert_eq!(unsure_twice, 0, "at most once");
        let sure = accepted.iter().filter(|sure| **sure).count() as u64;
        prop_assert_eq!(outbox.counts.acked + outbox.counts.refused, sure);
        prop_assert_eq!(outbox.counts.refused, world.refused.len() as u64);
    }
}
