//! Another version in a plugin's place, in virtual time: no frame is lost, none has two owners, and what fails goes back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_cli::controller::swap::keeper::{Entry, Keeper};
use dinrail_cli::controller::swap::{Phase, SwapRefused};
use dinrail_core::description::ParameterValue::{Boolean, Integer, Number};
use dinrail_core::swap::Criteria;
use dinrail_tests::swapping::{Counting, quick};
use std::sync::{Arc, Mutex};

fn settled(counting: &Counting) {
    assert_eq!(counting.unanswered, 0, "{:?}", counting.steps);
    assert_eq!(counting.jumps, 0, "{:?}", counting.steps);
    assert_eq!(counting.answered, counting.counted(), "each frame was counted once: {:?}", counting.steps);
}

fn counting() -> Counting {
    let mut counting = Counting::new(64).unwrap();
    for _ in 0..10 {
        counting.scan().unwrap();
    }
    counting
}

#[test]
fn a_hundred_swaps_lose_no_frame_and_no_state() {
    let mut counting = counting();
    for swap in 1..=100 {
        let candidate = counting.candidate(&[], quick()).unwrap();
        let now_ns = counting.now_ns();
        assert_eq!(counting.controller.begin_swap(0, candidate, now_ns), Ok(swap));
        assert_eq!(counting.until(Phase::Committed, 100).unwrap(), Phase::Committed, "{}", counting.why());
    }
    settled(&counting);
    assert!(counting.answered > 1_000, "there were frames: {}", counting.answered);
    let phases: Vec<&str> = counting.steps.iter().take(3).map(|step| step.phase).collect();
    assert_eq!(phases, ["shadow", "trial", "committed"]);
}

#[test]
fn a_candidate_that_fails_on_trial_gives_back_the_same_frame() {
    let mut counting = counting();
    // Past shadow, in the middle of the trial.
    let candidate = counting.candidate(&[("trap_at", Integer(30))], Criteria { trial_ns: 1_000_000_000, ..quick() });
    let now_ns = counting.now_ns();
    counting.controller.begin_swap(0, candidate.unwrap(), now_ns).unwrap();
    assert_eq!(counting.until(Phase::Trial, 100).unwrap(), Phase::Trial);
    assert_eq!(counting.until(Phase::Reverted, 100).unwrap(), Phase::Reverted);
    assert!(counting.why().contains("failed on the frame"), "{}", counting.why());
    assert_eq!(counting.counted(), 30, "the incumbent's answer to the very frame");
    for _ in 0..20 {
        counting.scan().unwrap();
    }
    settled(&counting);
}

#[test]
fn a_candidate_that_fails_in_shadow_never_owns_a_frame() {
    let mut counting = counting();
    let candidate = counting.candidate(&[("trap_at", Integer(14))], quick()).unwrap();
    let now_ns = counting.now_ns();
    counting.controller.begin_swap(0, candidate, now_ns).unwrap();
    assert_eq!(counting.until(Phase::Committed, 100).unwrap(), Phase::Rejected);
    settled(&counting);
}

#[test]
fn a_candidate_that_says_something_else_is_told_and_goes_where_that_is_not_allowed() {
    let biased = |divergence| {
        let mut counting = counting();
        let criteria = Criteria { divergence, shadow_frames: 30, ..quick() };
        let candidate = counting.candidate(&[("bias", Number(-0.5))], criteria).unwrap();
        let now_ns = counting.now_ns();
        counting.controller.begin_swap(0, candidate, now_ns).unwrap();
        let phase = counting.until(Phase::Trial, 100).unwrap();
        (counting, phase)
    };
    let (counting, phase) = biased(0.1);
    assert_eq!(phase, Phase::Rejected);
    assert!(counting.why().contains("differ"), "{}", counting.why());
    settled(&counting);
    let (counting, phase) = biased(1.0);
    assert_eq!(phase, Phase::Trial);
    let shadow = counting.controller.swaps().all().next().unwrap().shadow;
    assert!(shadow.compared >= 30 && shadow.differing == shadow.compared, "{shadow:?}");
    assert!((shadow.largest - 0.5).abs() < 1e-9, "{shadow:?}");
}

#[test]
fn a_state_that_is_not_taken_over_ends_a_swap_unless_it_may_begin_cold() {
    let mut counting = counting();
    let stubborn = [("stubborn", Boolean(true))];
    let candidate = counting.candidate(&stubborn, quick()).unwrap();
    let now_ns = counting.now_ns();
    counting.controller.begin_swap(0, candidate, now_ns).unwrap();
    assert_eq!(counting.until(Phase::Committed, 100).unwrap(), Phase::Rejected);
    assert!(counting.why().contains("can't take over the state"), "{}", counting.why());
    settled(&counting);
    let mut candidate = counting.candidate(&stubborn, quick()).unwrap();
    candidate.cold = true;
    let now_ns = counting.now_ns();
    counting.controller.begin_swap(0, candidate, now_ns).unwrap();
    assert_eq!(counting.until(Phase::Committed, 100).unwrap(), Phase::Committed, "{}", counting.why());
    assert_eq!((counting.unanswered, counting.jumps), (0, 1), "it counts from one again, once");
}

#[test]
fn a_state_larger_than_crosses_ends_a_swap() {
    let mut counting = Counting::new(1024 * 1024).unwrap();
    counting.scan().unwrap();
    let candidate = counting.candidate(&[], quick()).unwrap();
    let now_ns = counting.now_ns();
    counting.controller.begin_swap(0, candidate, now_ns).unwrap();
    assert_eq!(counting.until(Phase::Committed, 100).unwrap(), Phase::Rejected, "{:?}", counting.steps);
}

#[test]
fn a_candidate_that_can_never_be_saved_is_not_taken() {
    let mut counting = counting();
    let candidate = counting.candidate(&[("padding", Integer(1024 * 1024))], quick()).unwrap();
    let now_ns = counting.now_ns();
    counting.controller.begin_swap(0, candidate, now_ns).unwrap();
    assert_eq!(counting.until(Phase::Committed, 100).unwrap(), Phase::Rejected);
    assert!(counting.why().contains("can't save its own state"), "{}", counting.why());
    settled(&counting);
}

#[test]
fn an_operators_words_lead_through_a_swap() {
    let mut counting = counting();
    let asked = Criteria { automatic: false, trial_ns: 1_000_000_000, ..quick() };
    let begin = |counting: &mut Counting| {
        let candidate = counting.candidate(&[], asked).unwrap();
        let now_ns = counting.now_ns();
        counting.controller.begin_swap(0, candidate, now_ns)
    };
    begin(&mut counting).unwrap();
    assert!(matches!(begin(&mut counting), Err(SwapRefused::Busy { .. })));
    let now_ns = counting.now_ns();
    assert!(matches!(counting.controller.commit_swap(0, now_ns), Err(SwapRefused::NotReady { .. })), "too early");
    for _ in 0..20 {
        counting.scan().unwrap();
    }
    assert_eq!(counting.phase(), Some(Phase::Shadow), "it waits");
    let now_ns = counting.now_ns();
    assert_eq!(counting.controller.commit_swap(0, now_ns), Ok(Phase::Handover));
    assert_eq!(counting.until(Phase::Trial, 20).unwrap(), Phase::Trial);
    let now_ns = counting.now_ns();
    assert_eq!(counting.controller.roll_back_swap(0, now_ns), Ok(Phase::Reverted));
    counting.scan().unwrap();
    begin(&mut counting).unwrap();
    for _ in 0..20 {
        counting.scan().unwrap();
    }
    let now_ns = counting.now_ns();
    counting.controller.commit_swap(0, now_ns).unwrap();
    counting.until(Phase::Trial, 20).unwrap();
    let now_ns = counting.now_ns();
    assert_eq!(counting.controller.commit_swap(0, now_ns), Ok(Phase::Committing));
    counting.scan().unwrap();
    assert_eq!(counting.phase(), Some(Phase::Committed));
    assert!(matches!(counting.controller.roll_back_swap(0, now_ns), Err(SwapRefused::None { .. })));
    // A trial that nobody confirms.
    begin(&mut counting).unwrap();
    for _ in 0..20 {
        counting.scan().unwrap();
    }
    let now_ns = counting.now_ns();
    counting.controller.commit_swap(0, now_ns).unwrap();
    assert_eq!(counting.until(Phase::Reverted, 200).unwrap(), Phase::Reverted);
    assert!(counting.why().contains("nobody committed"), "{}", counting.why());
    settled(&counting);
}

#[test]
fn what_cant_be_made_durable_does_not_happen() {
    for (fails, expected) in [("begin", Phase::Rejected), ("commit", Phase::Reverted)] {
        let mut counting = counting();
        let written = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&written);
        let write = move |entry: &Entry| {
            let name = match entry {
                Entry::Begin { .. } => "begin",
                Entry::Commit { .. } => "commit",
                Entry::Abort { .. } => "abort",
            };
            seen.lock().unwrap().push(name);
            if name == fails { Err("the disk is full".to_owned()) } else { Ok(()) }
        };
        counting.controller.keep_swaps_with(Keeper::start(Box::new(write), true).unwrap());
        let candidate = counting.candidate(&[], quick()).unwrap();
        let now_ns = counting.now_ns();
        counting.controller.begin_swap(0, candidate, now_ns).unwrap();
        assert_eq!(counting.until(Phase::Committed, 100).unwrap(), expected);
        assert!(counting.why().contains("the disk is full"), "{}", counting.why());
        assert_eq!(written.lock().unwrap().first(), Some(&"begin"));
        settled(&counting);
    }
}
