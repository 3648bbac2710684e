//! Orders: placed once, never repeated, never lost unsaid, within packs, range and budget.

use super::*;
use proptest::prelude::*;

const DAY: i64 = 86_400 * SECOND;
const DAY_NS: DurationNs = 86_400 * SECOND_NS;

/// 10 to 100 a time, packs of 12, 150 within a day; waits a day at most.
fn order_spec(spec: &mut OutputSpec, tags: &TagTable) {
    spec.kind = OutputKind::Order;
    spec.range = (10.0, 100.0);
    spec.order = OrderTerms { pack: 12.0, budget: Some(Budget { quantity: 150.0, window_ns: DAY_NS }) };
    (spec.slew_per_s, spec.deadband, spec.readback) = (None, 0.0, None);
    spec.lease_ns = DAY_NS;
    spec.inhibit = expression("not permit", tags);
}

fn rig(mode: Mode) -> Rig {
    Rig::new(|spec, tags| {
        order_spec(spec, tags);
        spec.mode = mode;
    })
}

fn waiting(rig: &Rig) -> Option<(AdviceId, f64)> {
    rig.guard.advices().first().map(|advice| (advice.id, advice.setpoint))
}

fn kinds(verdicts: &ScanVerdicts) -> Vec<EventKind> {
    verdicts.events.iter().map(|event| event.kind).collect()
}

#[test]
fn an_order_is_one_command_whatever_its_lease() {
    let mut rig = rig(Mode::Auto);
    let (judgement, placed) = rig.propose(proposal(48.0));
    assert_eq!((judgement.verdict, judgement.reason, placed), (Verdict::Accepted, Reason::AsProposed, Some(48.0)));
    assert_eq!((judgement.applied, rig.state().applied), (Some(48.0), Some(48.0)));
    for _ in 0..200 {
        assert_eq!(rig.idle(), None, "neither repeated nor taken back");
    }
    // The same quantity again is another order.
    let (judgement, placed) = rig.propose(proposal(48.0));
    assert_eq!((judgement.verdict, placed, rig.state().applied), (Verdict::Accepted, Some(48.0), Some(96.0)));
    assert_eq!(rig.guard.ordered(SP), 96.0);
}

#[test]
fn what_does_not_fit_is_cut_and_never_rounded_up() {
    let check = |wanted: f64, verdict, reason, placed| {
        let mut rig = rig(Mode::Auto);
        let (judgement, got) = rig.propose(proposal(wanted));
        assert_eq!((judgement.verdict, judgement.reason, got), (verdict, reason, placed), "{wanted}");
    };
    check(60.0, Verdict::Accepted, Reason::AsProposed, Some(60.0));
    check(59.0, Verdict::Clamped, Reason::Pack { pack: 12.0 }, Some(48.0));
    check(500.0, Verdict::Clamped, Reason::AboveRange { hi: 100.0 }, Some(96.0));
    check(11.0, Verdict::Held, Reason::TooSmall { lo: 12.0 }, None);
    check(0.0, Verdict::Accepted, Reason::NothingToOrder, None);
    check(-12.0, Verdict::Rejected, Reason::BelowZero, None);
    check(f64::NAN, Verdict::Rejected, Reason::NotFinite, None);
}

#[test]
fn a_budget_is_of_any_window_of_its_length() {
    let mut rig = rig(Mode::Auto);
    rig.propose(proposal(96.0));
    let (judgement, placed) = rig.propose(proposal(96.0));
    assert_eq!((judgement.reason, placed), (Reason::Budget { left: 54.0 }, Some(48.0)));
    assert!(rig.state().limited_high);
    let (judgement, placed) = rig.propose(proposal(96.0));
    assert_eq!((judgement.verdict, judgement.reason, placed), (Verdict::Held, Reason::Budget { left: 6.0 }, None));
    // The first order was at second 1, and leaves the window a day later.
    rig.scan_after(DAY - 3 * SECOND, &[]);
    assert_eq!(rig.propose(proposal(96.0)).1, Some(96.0));
}

#[test]
fn a_yes_is_placed_once() {
    let mut rig = rig(Mode::Advise);
    let verdicts = rig.scan_after(SECOND, &[proposal(50.0)]);
    assert_eq!(
        (verdicts.commands.len(), kinds(&verdicts)),
        (0, vec![EventKind::Advised { id: waiting(&rig).unwrap().0 }])
    );
    let (id, quantity) = waiting(&rig).unwrap();
    assert_eq!(quantity, 48.0, "the quantity that a yes is to");
    rig.propose(proposal(50.0));
    assert_eq!(waiting(&rig), Some((id, 48.0)), "one question while it is the same");
    rig.guard.accept(id, rig.now_ns).unwrap();
    // The plugin does not know yet.
    let (judgement, placed) = rig.propose(proposal(50.0));
    assert_eq!((judgement.reason, placed), (Reason::OrderDue, Some(48.0)));
    assert_eq!((rig.guard.accept(id, rig.now_ns), rig.idle()), (Err(OperatorError::NoSuchAdvice), None));
    assert_eq!(waiting(&rig), None);
}

#[test]
fn another_quantity_is_another_question_and_none_withdraws_it() {
    let mut rig = rig(Mode::Advise);
    rig.propose(proposal(48.0));
    let (first, _) = waiting(&rig).unwrap();
    rig.propose(proposal(60.0));
    let (second, quantity) = waiting(&rig).unwrap();
    assert_eq!((first == second, quantity), (false, 60.0));
    assert_eq!(rig.guard.accept(first, rig.now_ns), Err(OperatorError::NoSuchAdvice));
    rig.propose(proposal(0.0));
    assert_eq!(waiting(&rig), None);
    rig.propose(proposal(60.0));
    let (third, _) = waiting(&rig).unwrap();
    let expired = rig.scan_after(2 * DAY, &[]);
    assert_eq!(kinds(&expired), [EventKind::AdviceExpired { id: third }]);
}

#[test]
fn a_no_holds_for_as_long_as_an_order_may_wait() {
    let mut rig = rig(Mode::Advise);
    rig.propose(proposal(48.0));
    rig.guard.reject(waiting(&rig).unwrap().0).unwrap();
    rig.propose(proposal(48.0));
    assert_eq!(waiting(&rig), None);
    rig.scan_after(DAY, &[proposal(48.0)]);
    assert_eq!(waiting(&rig).map(|(_, quantity)| quantity), Some(48.0), "need returns, and is asked again");
}

#[test]
fn an_inhibit_holds_what_was_accepted_until_its_time_is_over() {
    let mut rig = rig(Mode::Advise);
    let accept = |rig: &mut Rig| {
        rig.propose(proposal(48.0));
        rig.guard.accept(waiting(rig).unwrap().0, rig.now_ns).unwrap();
        rig.set("permit", 0.0);
    };
    accept(&mut rig);
    assert_eq!(rig.idle(), None);
    rig.set("permit", 1.0);
    assert_eq!((rig.idle(), rig.idle()), (Some((48.0, Cause::Plugin)), None));
    accept(&mut rig);
    let dropped = rig.scan_after(2 * DAY, &[]);
    assert_eq!((kinds(&dropped), dropped.commands.len()), (vec![EventKind::OrderDropped], 0));
    rig.set("permit", 1.0);
    assert_eq!(rig.idle(), None, "dropped is dropped");
}

#[test]
fn a_lower_mode_drops_it_and_a_stop_places_it() {
    let mut rig = rig(Mode::Advise);
    rig.propose(proposal(48.0));
    rig.guard.accept(waiting(&rig).unwrap().0, rig.now_ns).unwrap();
    rig.guard.set_mode(SP, Mode::Shadow).unwrap();
    assert_eq!(kinds(&rig.scan_after(SECOND, &[])), [EventKind::OrderDropped]);
    rig.guard.set_mode(SP, Mode::Advise).unwrap();
    rig.propose(proposal(48.0));
    rig.guard.accept(waiting(&rig).unwrap().0, rig.now_ns).unwrap();
    let stop = rig.stop();
    let placed: Vec<f64> = stop.commands.iter().map(Command::value).collect();
    assert_eq!((placed, stop.held.len(), stop.unplaced.len()), (vec![48.0], 0, 0));
    assert_eq!(rig.stop(), StopVerdicts::default());
}

#[test]
fn a_stop_names_what_an_inhibit_held() {
    let mut rig = rig(Mode::Advise);
    rig.propose(proposal(48.0));
    rig.guard.accept(waiting(&rig).unwrap().0, rig.now_ns).unwrap();
    rig.set("permit", 0.0);
    rig.idle();
    let stop = rig.stop();
    assert_eq!((stop.commands.len(), stop.unplaced), (0, vec![SP]));
}

#[test]
fn a_proposal_that_did_not_know_of_the_last_order_is_held() {
    let mut rig = rig(Mode::Auto);
    let made_scan = rig.scan + 1;
    assert_eq!(rig.propose(OwnedProposal { made_scan, ..proposal(48.0) }).1, Some(48.0));
    // An answer that was under way meanwhile.
    let (judgement, placed) = rig.propose(OwnedProposal { made_scan, ..proposal(48.0) });
    assert_eq!((judgement.verdict, judgement.reason, placed), (Verdict::Held, Reason::OrderedSince, None));
    assert_eq!(rig.propose(OwnedProposal { made_scan: made_scan + 1, ..proposal(48.0) }).1, Some(48.0));
}

#[test]
fn bad_inputs_and_a_recent_order_hold_it() {
    let mut rig = Rig::new(|spec, tags| {
        order_spec(spec, tags);
        spec.min_dwell_ns = 10 * SECOND_NS;
    });
    let bad = OwnedProposal { input_quality: Quality::Bad, ..proposal(48.0) };
    assert_eq!(rig.propose(bad), (rig_held(Reason::InputQuality { quality: Quality::Bad }), None));
    assert_eq!(rig.propose(proposal(48.0)).1, Some(48.0));
    assert_eq!(rig.propose(proposal(48.0)), (rig_held(Reason::TooSoon), None));
    rig.scan_after(9 * SECOND, &[]);
    assert_eq!(rig.propose(proposal(48.0)).1, Some(48.0));
    rig.set("permit", 0.0);
    rig.scan_after(20 * SECOND, &[]);
    assert_eq!(rig.propose(proposal(48.0)), (rig_held(Reason::Inhibited), None));
    assert_eq!(rig.guard.override_output(SP, 48.0, rig.now_ns, SECOND_NS), Err(OperatorError::Order));
}

fn rig_held(reason: Reason) -> Judgement {
    Judgement { output: SP, setpoint: Some(48.0), verdict: Verdict::Held, reason, mode: Mode::Auto, applied: None }
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let refused = |change: &dyn Fn(&mut OutputSpec)| {
        let tags = Rig::cold(|_, _| {}).tags;
        let mut spec = spec(&tags);
        order_spec(&mut spec, &tags);
        assert_eq!(spec.check(), vec![]);
        change(&mut spec);
        spec.check().first().map(|error| error.problem.key())
    };
    assert_eq!(refused(&|spec| spec.slew_per_s = Some(1.0)), Some("slew"));
    assert_eq!(refused(&|spec| spec.default = Some(12.0)), Some("default"));
    assert_eq!(refused(&|spec| spec.fail_safe = Some(12.0)), Some("fail_safe"));
    assert_eq!(refused(&|spec| spec.range = (-1.0, 100.0)), Some("range"));
    assert_eq!(refused(&|spec| spec.order.pack = 120.0), Some("pack"));
    assert_eq!(refused(&|spec| spec.order.pack = f64::NAN), Some("pack"));
    assert_eq!(refused(&|spec| spec.range = (50.0, 59.0)), Some("pack"));
    assert_eq!(refused(&|spec| spec.order.budget = Some(Budget { quantity: 0.0, window_ns: 1 })), Some("budget"));
    assert_eq!(refused(&|spec| spec.order.budget = Some(Budget { quantity: 1.0, window_ns: 0 })), Some("budget"));
}

/// What happens before a scan, or in it.
#[derive(Clone, Debug)]
enum Step {
    Permit(f64),
    Mode(Mode),
    Accept,
    Reject,
    Scan { elapsed_ns: i64, wanted: Option<f64>, late: u64, valid_for_ns: u64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let wanted = prop_oneof![6 => 0.0..160.0_f64, 1 => Just(48.0), 1 => proptest::num::f64::ANY];
    let elapsed = prop_oneof![6 => 0..3 * SECOND, 3 => 0..DAY, 1 => -DAY..3 * DAY, 1 => any::<i64>()];
    let valid = prop_oneof![3 => 1..2 * DAY_NS, 1 => Just(0), 1 => any::<u64>()];
    prop_oneof![
        12 => (elapsed, proptest::option::weighted(0.7, wanted), 0_u64..3, valid).prop_map(
            |(elapsed_ns, wanted, late, valid_for_ns)| Step::Scan { elapsed_ns, wanted, late, valid_for_ns }
        ),
        1 => prop_oneof![3 => Just(1.0), 1 => Just(0.0), 1 => Just(f64::NAN)].prop_map(Step::Permit),
        1 => prop_oneof![3 => Just(Mode::Auto), 3 => Just(Mode::Advise), 1 => Just(Mode::Shadow), 1 => Just(Mode::Manual)]
            .prop_map(Step::Mode),
        4 => Just(Step::Accept),
        1 => Just(Step::Reject),
    ]
}

/// Follows the guard from outside.
struct Watcher {
    rig: Rig,
    now_ns: TimeNs,
    placed: Vec<(TimeNs, u64, f64)>,
    /// Orders that were taken, in auto or by a yes, and what became of them.
    taken: usize,
    dropped: usize,
    /// As the last scan saw it.
    permitted: bool,
}

impl Watcher {
    fn mode(&self) -> Mode {
        self.rig.guard.spec(SP).unwrap().mode
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Permit(value) => self.rig.set("permit", *value),
            Step::Mode(mode) => self.rig.guard.set_mode(SP, *mode).unwrap(),
            Step::Accept => {
                if let Some((id, quantity)) = waiting(&self.rig)
                    && let Ok(Accepted { verdict, .. }) = self.rig.guard.accept(id, self.rig.now_ns)
                {
                    prop_assert!(matches!(verdict, Verdict::Accepted | Verdict::Clamped), "{} {:?}", quantity, verdict);
                    self.taken += 1;
                }
            }
            Step::Reject => {
                if let Some((id, _)) = waiting(&self.rig) {
                    self.rig.guard.reject(id).unwrap();
                }
            }
            Step::Scan { elapsed_ns, wanted, late, valid_for_ns } => {
                let made_scan = (self.rig.scan + 1).saturating_sub(*late);
                let proposals: Vec<OwnedProposal> = wanted
                    .map(|setpoint| OwnedProposal { valid_for_ns: *valid_for_ns, made_scan, ..proposal(setpoint) })
                    .into_iter()
                    .collect();
                let verdicts = self.rig.scan_after(*elapsed_ns, &proposals);
                self.now_ns = self.now_ns.max(self.rig.now_ns);
                let permit = self.rig.image.get(self.rig.tags.find("permit").unwrap());
                self.permitted = permit.quality.is_usable() && permit.value != 0.0;
                self.follow(&verdicts, &proposals)?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, verdicts: &ScanVerdicts, proposals: &[OwnedProposal]) -> Result<(), TestCaseError> {
        let in_auto = verdicts.judgements.iter().filter(|judgement| {
            let taken = matches!(judgement.verdict, Verdict::Accepted | Verdict::Clamped);
            judgement.mode == Mode::Auto && taken && judgement.reason != Reason::NothingToOrder
        });
        self.taken += in_auto.count();
        self.dropped += verdicts.events.iter().filter(|event| event.kind == EventKind::OrderDropped).count();
        prop_assert!(verdicts.commands.len() <= 1);
        for command in &verdicts.commands {
            self.check(command)?;
        }
        for (judgement, proposal) in verdicts.judgements.iter().zip(proposals) {
            let knows = self.placed.iter().all(|(_, scan, _)| *scan == self.rig.scan || *scan < proposal.made_scan);
            let taken = matches!(judgement.verdict, Verdict::Accepted | Verdict::Clamped);
            prop_assert!(knows || !taken, "{:?} after {:?}", judgement, self.placed);
            let is_its_own = taken && judgement.mode == Mode::Auto && judgement.reason != Reason::NothingToOrder;
            let within = judgement.applied.is_some_and(|placed| placed <= proposal.setpoint + 1e-6);
            prop_assert!(!is_its_own || within, "{:?}", judgement);
        }
        let total: f64 = self.placed.iter().map(|(_, _, quantity)| quantity).sum();
        prop_assert!((self.rig.state().applied.unwrap() - total).abs() < 1e-6);
        Ok(())
    }

    fn check(&mut self, command: &Command) -> Result<(), TestCaseError> {
        let quantity = command.value();
        prop_assert!((10.0..=100.0).contains(&quantity), "{}", quantity);
        prop_assert!((quantity / 12.0 - (quantity / 12.0).round()).abs() < 1e-9, "{}", quantity);
        prop_assert!(Mode::Advise <= self.mode());
        prop_assert!(self.permitted, "placed while inhibited");
        self.placed.push((command.time_ns(), command.scan(), quantity));
        let window = self.placed.iter().filter(|(time_ns, ..)| self.now_ns.abs_diff(*time_ns) < DAY_NS);
        let sum: f64 = window.map(|(_, _, quantity)| quantity).sum();
        prop_assert!(sum <= 150.0 + 1e-6, "{} within a day", sum);
        Ok(())
    }

    fn end(&mut self) -> Result<(), TestCaseError> {
        let stop = self.rig.stop();
        for command in &stop.commands {
            self.check(command)?;
        }
        // Every order that was taken is placed, or somebody was told.
        prop_assert_eq!(self.taken, self.placed.len() + self.dropped + stop.unplaced.len());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.saturating_mul(8), ..ProptestConfig::default() })]

    #[test]
    fn no_order_is_lost_doubled_or_out_of_bounds(steps in proptest::collection::vec(any_step(), 1..120)) {
        let mut watcher = Watcher {
            rig: rig(Mode::Auto),
            now_ns: 0,
            placed: vec![],
            taken: 0,
            dropped: 0,
            permitted: true,
        };
        for step in &steps {
            watcher.run(step)?;
        }
        watcher.end()?;
    }
}
