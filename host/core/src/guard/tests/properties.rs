//! Whatever plugins, sensors, operators and the clock do, some things never happen. The checks below
//! know nothing of how the guard works: they look at the image, the commands and the states.

use super::*;
use proptest::prelude::*;

/// What happens before a scan, or in it.
#[derive(Clone, Debug)]
enum Step {
    Sample(&'static str, f64),
    Mode(Mode),
    OwnerMode(Mode),
    Override(f64, u64),
    Release,
    Reset,
    Scan { elapsed_ns: i64, proposals: Vec<OwnedProposal> },
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 60.0..110.0_f64,
        1 => prop_oneof![Just(70.0), Just(100.0), Just(80.0), Just(80.25)],
        1 => proptest::num::f64::ANY,
    ]
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![3 => Just(Mode::Auto), 1 => Just(Mode::Advise), 1 => Just(Mode::Shadow), 1 => Just(Mode::Manual)]
}

fn any_proposal() -> impl Strategy<Value = OwnedProposal> {
    let quality = prop_oneof![
        6 => Just(Quality::Good),
        1 => Just(Quality::Uncertain),
        1 => Just(Quality::Bad),
        1 => Just(Quality::Stale),
    ];
    let valid_for_ns = prop_oneof![4 => 1..90 * SECOND_NS, 1 => Just(0), 1 => any::<u64>()];
    (any_float(), valid_for_ns, quality, 0_u32..12, 0_u32..12).prop_map(
        |(setpoint, valid_for_ns, input_quality, owner, output)| OwnedProposal {
            owner: if owner == 0 { InstanceId(1) } else { OWNER },
            output: OutputId(output.saturating_sub(10)),
            setpoint,
            valid_for_ns,
            made_scan: 0,
            input_quality,
        },
    )
}

fn any_elapsed() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 0..3 * SECOND,
        2 => 0..100 * SECOND,
        1 => -10 * SECOND..0,
        // A clock that jumps by a year, either way.
        1 => prop_oneof![Just(-365 * 86_400 * SECOND), Just(365 * 86_400 * SECOND), any::<i64>()],
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any_elapsed(), proptest::collection::vec(any_proposal(), 0..3))
            .prop_map(|(elapsed_ns, proposals)| Step::Scan { elapsed_ns, proposals }),
        2 => any_float().prop_map(|value| Step::Sample("readback", value)),
        1 => prop_oneof![4 => Just(1.0), 1 => Just(0.0), 1 => Just(f64::NAN)]
            .prop_map(|value| Step::Sample("permit", value)),
        1 => prop_oneof![12 => 0.0..6.0_f64, 1 => 5.0..9.0_f64, 1 => Just(f64::NAN)]
            .prop_map(|value| Step::Sample("p", value)),
        1 => prop_oneof![3 => 60.0..100.0_f64, 2 => 0.0..60.0_f64, 1 => Just(f64::NAN)]
            .prop_map(|value| Step::Sample("index", value)),
        1 => any_mode().prop_map(Step::Mode),
        1 => any_mode().prop_map(Step::OwnerMode),
        1 => (any_float(), 0..20 * SECOND_NS).prop_map(|(value, for_ns)| Step::Override(value, for_ns)),
        1 => Just(Step::Release),
        2 => Just(Step::Reset),
    ]
}

fn any_reduced() -> impl Strategy<Value = (f64, f64)> {
    (70.0..=100.0_f64, 70.0..=100.0_f64).prop_map(|(one, other)| (one.min(other), one.max(other)))
}

fn any_spec() -> impl Strategy<Value = OutputSpec> {
    let value = || proptest::option::of(70.0..=100.0_f64);
    let limits = (0.001..5.0_f64, prop_oneof![Just(0.0), 0.0..3.0_f64], prop_oneof![Just(0), 0..20 * SECOND_NS]);
    let reduced = proptest::option::of(any_reduced());
    (limits, value(), 70.0..=100.0_f64, 1..60 * SECOND_NS, any::<bool>(), any_mode(), reduced).prop_map(
        |((slew, deadband, dwell), default, fail_safe, lease_ns, has_readback, mode, reduced)| {
            let tags = Rig::cold(|_, _| {}).tags;
            let mut spec = spec(&tags);
            (spec.slew_per_s, spec.deadband, spec.min_dwell_ns) = (Some(slew), deadband, dwell);
            (spec.default, spec.fail_safe, spec.lease_ns, spec.mode) = (default, Some(fail_safe), lease_ns, mode);
            spec.readback = spec.readback.filter(|_| has_readback);
            spec.inhibit = expression("not permit", &tags);
            spec.trip = expression("p > 6 bar", &tags);
            spec.reduced = reduced.map(|range| Reduced { when: expression("index < 60 %", &tags).unwrap(), range });
            spec
        },
    )
}

/// Follows the guard from outside.
struct Observer {
    rig: Rig,
    /// The guard's own notion of time: it never runs backward.
    now_ns: TimeNs,
    sequence: u64,
    /// The last value commanded since control was last let go of.
    last: Option<(f64, TimeNs)>,
    /// Since when nothing can have been moving.
    quiet_since_ns: TimeNs,
    trip_seen: bool,
    index_seen: bool,
    tripped: bool,
    operator_ever: bool,
    /// An override is in force.
    overridden: bool,
    /// Everything the guard said.
    log: String,
}

impl Observer {
    fn new(spec: OutputSpec) -> Observer {
        let rig = Rig::cold(|configured, _| *configured = spec);
        Observer {
            rig,
            now_ns: i64::MIN,
            sequence: 0,
            last: None,
            quiet_since_ns: i64::MIN,
            trip_seen: false,
            index_seen: false,
            tripped: false,
            operator_ever: false,
            overridden: false,
            log: String::new(),
        }
    }

    fn spec(&self) -> &OutputSpec {
        self.rig.guard.spec(SP).unwrap()
    }

    fn mode(&self) -> Mode {
        self.spec().mode.min(self.spec().owner_mode)
    }

    fn usable(&self, name: &str) -> Option<f64> {
        let state = self.rig.image.get(self.rig.tags.find(name).unwrap());
        state.quality.is_usable().then_some(state.value)
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let now_ns = self.rig.now_ns;
        match step {
            Step::Sample(name, value) => self.rig.set(name, *value),
            Step::Mode(mode) => {
                let before = self.mode();
                self.rig.guard.set_mode(SP, *mode).unwrap();
                self.follow_mode(before);
            }
            Step::OwnerMode(mode) => {
                let before = self.mode();
                self.rig.guard.set_owner_mode(OWNER, *mode);
                self.follow_mode(before);
            }
            Step::Override(value, for_ns) => {
                let taken = self.rig.guard.override_output(SP, *value, now_ns, *for_ns).is_ok();
                self.operator_ever |= taken;
                self.overridden |= taken;
                prop_assert!(!taken || (70.0..=100.0).contains(value));
            }
            Step::Release => {
                if self.rig.guard.release(SP, now_ns).is_ok() {
                    self.hand_back();
                }
            }
            Step::Reset => {
                // The guard goes by what its last scan saw; the next one latches again if it must.
                if self.rig.guard.reset_trip(SP).is_ok() {
                    prop_assert!(self.tripped);
                    self.tripped = false;
                    self.hand_back();
                }
            }
            Step::Scan { elapsed_ns, proposals } => self.scan(*elapsed_ns, proposals)?,
        }
        Ok(())
    }

    fn follow_mode(&mut self, before: Mode) {
        if before != self.mode() && !self.overridden {
            self.let_go();
        }
    }

    /// In auto the owner goes on from the last command.
    fn hand_back(&mut self) {
        self.overridden = false;
        if self.mode() != Mode::Auto {
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        // Without readback the last command is what is known of the output, for good.
        if self.spec().readback.is_some() {
            self.last = None;
        }
        self.quiet_since_ns = self.now_ns;
    }

    fn scan(&mut self, elapsed_ns: i64, proposals: &[OwnedProposal]) -> Result<(), TestCaseError> {
        let verdicts = self.rig.scan_after(elapsed_ns, proposals);
        self.log.push_str(&format!("{verdicts:?}"));
        let before_ns = self.now_ns;
        self.now_ns = self.now_ns.max(self.rig.now_ns);
        if before_ns == i64::MIN {
            self.quiet_since_ns = self.now_ns;
        }
        let p = self.usable("p");
        self.trip_seen |= p.is_some();
        self.index_seen |= self.usable("index").is_some();
        self.tripped |= self.trip_seen && p.is_none_or(|p| 6.0 < p);
        prop_assert_eq!(self.rig.guard.is_tripped(SP), self.tripped);
        self.overridden &= !self.tripped;

        prop_assert_eq!(verdicts.judgements.len(), proposals.len());
        for (judgement, proposal) in verdicts.judgements.iter().zip(proposals) {
            self.check_judgement(judgement, proposal)?;
        }
        prop_assert!(verdicts.commands.len() <= 1, "one output, one command a scan");
        for command in &verdicts.commands {
            self.check_command(command)?;
        }
        let state = self.rig.state();
        if self.tripped && self.mode() == Mode::Auto {
            prop_assert_eq!(state.applied, self.spec().fail_safe);
        }
        prop_assert!(state.applied.is_none_or(f64::is_finite));
        prop_assert_eq!(state.mode, self.mode());
        if verdicts.events.iter().any(|event| event.kind == EventKind::OverrideEnded) {
            self.hand_back();
        }
        Ok(())
    }

    fn check_judgement(&self, judgement: &Judgement, proposal: &OwnedProposal) -> Result<(), TestCaseError> {
        prop_assert_eq!(judgement.output, proposal.output);
        let sound = proposal.setpoint.is_finite()
            && proposal.owner == OWNER
            && proposal.output == SP
            && 0 < proposal.valid_for_ns;
        prop_assert!(sound || judgement.verdict == Verdict::Rejected, "{:?}", judgement);
        if sound && judgement.reason != Reason::Twice {
            prop_assert!(judgement.verdict != Verdict::Rejected, "{:?}", judgement);
            if self.tripped || self.frozen() || !proposal.input_quality.is_usable() {
                prop_assert_eq!(judgement.verdict, Verdict::Held);
            }
        }
        let is_cut = matches!(judgement.reason, Reason::AboveRange { .. } | Reason::BelowRange { .. });
        let outside = !(70.0..=100.0).contains(&proposal.setpoint);
        prop_assert!(!is_cut || outside, "{:?}", judgement);
        prop_assert!(judgement.verdict != Verdict::Accepted || !outside, "{:?}", judgement);
        let taken = judgement.verdict == Verdict::Accepted;
        if let Some((lo, hi)) = self.reduced().filter(|_| taken && self.index_seen) {
            prop_assert!((lo..=hi).contains(&proposal.setpoint), "{:?} within {} to {}", judgement, lo, hi);
        }
        Ok(())
    }

    fn frozen(&self) -> bool {
        self.usable("permit").is_none_or(|permit| permit == 0.0) || self.usable("p").is_none()
    }

    /// The reduced range, while it holds or may hold.
    fn reduced(&self) -> Option<(f64, f64)> {
        let low = self.usable("index").is_none_or(|index| index < 60.0);
        self.spec().reduced.as_ref().filter(|_| low).map(|reduced| reduced.range)
    }

    fn check_command(&mut self, command: &Command) -> Result<(), TestCaseError> {
        let value = command.value();
        prop_assert!((70.0..=100.0).contains(&value), "{:?}", command);
        prop_assert!(self.sequence < command.sequence());
        self.sequence = command.sequence();
        prop_assert_eq!(command.time_ns(), self.now_ns);
        if command.cause() == Cause::Trip {
            prop_assert!(self.tripped);
            prop_assert_eq!(Some(value), self.spec().fail_safe);
            prop_assert!(self.mode() == Mode::Auto || self.operator_ever);
        } else {
            prop_assert!(!self.tripped && !self.frozen(), "{:?}", command);
            prop_assert!(self.mode() == Mode::Auto || command.cause() == Cause::Operator, "{:?}", command);
            self.check_move(command)?;
        }
        self.last = Some((value, self.now_ns));
        Ok(())
    }

    /// Slew, dwell, and the first value after a start.
    fn check_move(&self, command: &Command) -> Result<(), TestCaseError> {
        let spec = self.spec();
        let readback = spec.readback.and_then(|_| self.usable("readback"));
        let from = match self.last {
            Some((value, _)) => value,
            None if spec.readback.is_some() => {
                prop_assert!(readback.is_some(), "nothing is commanded before the readback is good");
                readback.unwrap().clamp(70.0, 100.0)
            }
            // Without readback somebody has to be the first, and not by falling silent.
            None => {
                prop_assert!(command.cause() != Cause::LeaseEnd, "{:?}", command);
                let within = self.reduced().is_none_or(|(lo, hi)| (lo..=hi).contains(&command.value()));
                prop_assert!(within, "{:?}", command);
                return Ok(());
            }
        };
        if let Some((lo, hi)) = self.reduced().filter(|_| self.index_seen) {
            let out = |value: f64| (lo - value).max(value - hi).max(0.0);
            prop_assert!(out(command.value()) <= out(from), "{:?} from {}: further out", command, from);
        }
        let since_ns = self.last.map_or(self.quiet_since_ns, |(_, time_ns)| time_ns);
        let seconds = self.now_ns.abs_diff(since_ns) as f64 / SECOND_NS as f64;
        let reach = spec.slew_per_s.unwrap() * seconds;
        let distance = (command.value() - from).abs();
        prop_assert!(distance <= reach + 1e-9 * reach.max(100.0), "{:?}: {} from {}", command, distance, from);
        if let Some((_, time_ns)) = self.last {
            prop_assert!(spec.min_dwell_ns <= self.now_ns.abs_diff(time_ns), "{:?} within the dwell", command);
        }
        Ok(())
    }
}

/// Eight times the usual number (`PROPTEST_CASES`, by default 256): histories are cheap.
fn histories() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(8), ..usual }
}

proptest! {
    #![proptest_config(histories())]

    #[test]
    fn no_history_breaks_the_limits(
        spec in any_spec(),
        steps in proptest::collection::vec(any_step(), 1..120),
    ) {
        let mut observer = Observer::new(spec);
        for step in &steps {
            observer.run(step)?;
        }
    }

    /// The same history gives the same commands.
    #[test]
    fn the_guard_is_deterministic(
        spec in any_spec(),
        steps in proptest::collection::vec(any_step(), 1..60),
    ) {
        let run = || -> Result<String, TestCaseError> {
            let mut observer = Observer::new(spec.clone());
            for step in &steps {
                observer.run(step)?;
            }
            Ok(observer.log)
        };
        prop_assert_eq!(run()?, run()?);
    }

    /// While the reduced range holds, the value in force gets into it whatever is proposed, and stays; then what was
    /// proposed last is reached.
    #[test]
    fn a_reduced_range_is_reached_and_left_again(
        mut spec in any_spec(),
        range in any_reduced(),
        slew in 0.5..5.0_f64,
        setpoints in proptest::collection::vec(proptest::option::of(60.0..110.0_f64), 250),
    ) {
        (spec.mode, spec.slew_per_s, spec.lease_ns) = (Mode::Auto, Some(slew), 10_000 * SECOND_NS);
        let (tags, deadband) = (Rig::cold(|_, _| {}).tags, spec.deadband);
        spec.reduced = Some(Reduced { when: expression("index < 60 %", &tags).unwrap(), range });
        let mut rig = Rig::new(|configured, _| *configured = spec);
        let offer = |setpoint| OwnedProposal { valid_for_ns: 10_000 * SECOND_NS, ..proposal(setpoint) };
        rig.propose(offer(95.0));
        rig.set("index", 10.0);
        let settled = 100;
        for (second, setpoint) in setpoints.iter().enumerate() {
            let offered: Vec<OwnedProposal> = setpoint.map(offer).into_iter().collect();
            let commands = rig.scan_after(SECOND, &offered).commands;
            if settled < second {
                for command in commands {
                    prop_assert!((range.0..=range.1).contains(&command.value()), "{:?}", command);
                }
                let applied = rig.state().applied.unwrap();
                prop_assert!((range.0..=range.1).contains(&applied), "{}", applied);
            }
        }
        rig.propose(offer(97.0));
        rig.set("index", 90.0);
        for _ in 0..settled {
            rig.idle();
        }
        let applied = rig.state().applied.unwrap();
        prop_assert!((applied - 97.0).abs() <= deadband, "{}", applied);
    }

    /// A plugin that falls silent loses the output: the default, else the fail-safe value, is reached.
    #[test]
    fn silence_ends_at_the_default(
        mut spec in any_spec(),
        setpoint in 60.0..110.0_f64,
        valid_for_ns in 1..200 * SECOND_NS,
    ) {
        spec.mode = Mode::Auto;
        let lease_ns = spec.lease_ns.min(valid_for_ns);
        let expected = spec.default.or(spec.fail_safe);
        let mut rig = Rig::new(|configured, _| *configured = spec);
        rig.scan_after(SECOND, &[OwnedProposal { valid_for_ns, ..proposal(setpoint) }]);
        let mut ended_ns = None;
        for _ in 0..2_000 {
            let verdicts = rig.scan_after(20 * SECOND, &[]);
            if verdicts.events.iter().any(|event| event.kind == EventKind::LeaseEnded) {
                prop_assert!(ended_ns.is_none(), "it ends once");
                ended_ns = Some(rig.now_ns - SECOND);
            }
        }
        let ended_ns = ended_ns.unwrap() as u64;
        prop_assert!(lease_ns < ended_ns && ended_ns <= lease_ns + 20 * SECOND_NS);
        prop_assert_eq!(rig.state().applied, expected);
    }
}
