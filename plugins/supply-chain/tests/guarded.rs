//! Plugin, guard and simulated stock in one loop, as a controller runs them: what is ordered is what the guard lets through.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_core::guard::{
    Budget, Guard, Mode, OnStop, OrderTerms, OutputId, OutputKind, OutputSpec, OwnedProposal, ScanTime,
};
use dinrail_core::image::ProcessImage;
use dinrail_core::record::InstanceId;
use dinrail_core::tag::{Quality, TagTable};
use dinrail_core::unit::Unit;
use dinrail_sdk::{Bindings, Frame, Outlook, OutputBinding, OutputState, Parameters, SupplyChain};
use dinrail_sim::stock::{Item, MEANS, PERIOD_S, Stock};
use dinrail_sim::{Plant, Value};
use supply_chain::plugin::SupplyPlanner;

const OUTPUT: OutputId = OutputId(0);
const OWNER: InstanceId = InstanceId(0);
const HOUR_NS: i64 = 3_600_000_000_000;

fn spec(mode: Mode, budget: Option<Budget>) -> OutputSpec {
    OutputSpec {
        name: "stock.order".to_owned(),
        unit: Unit::parse("1").unwrap(),
        kind: OutputKind::Order,
        gate: None,
        range: (1.0, 1_000.0),
        order: OrderTerms { pack: 1.0, budget },
        slew_per_s: None,
        deadband: 0.0,
        min_dwell_ns: 0,
        inhibit: None,
        reduced: None,
        trip: None,
        fail_safe: None,
        default: None,
        lease_ns: HOUR_NS as u64,
        on_stop: OnStop::Hold,
        mode,
        readback: None,
        owner: Some(OWNER),
        owner_mode: Mode::Auto,
    }
}

fn bindings() -> Bindings {
    let mut bound = Bindings::group("demand", 1);
    for (index, input) in [(1, "stock"), (2, "on_order"), (3, "mean")] {
        let mut one = Bindings::group(input, 1).inputs.remove(0);
        one.columns[0].index = index;
        bound.inputs.push(one);
    }
    bound.columns = 4;
    bound.outputs = vec![OutputBinding {
        output: "orders".into(),
        index: 0,
        tag: "stock.order".into(),
        unit: "1".into(),
        minimum: 1.0,
        maximum: 1_000.0,
        slew_per_s: None,
    }];
    bound
}

/// A plugin, the guard of its one output, and the plant.
struct Site {
    plugin: SupplyPlanner,
    guard: Guard,
    image: ProcessImage,
    plant: Stock,
    scan: u64,
    /// Placed by the guard.
    placed: Vec<f64>,
}

impl Site {
    fn new(law: &str, mean: f64, seed: u64, spec: OutputSpec) -> Site {
        let number = |value: f64| dinrail_sdk::Value::Number(value);
        let said = Parameters::with_defaults(&SupplyPlanner::describe())
            .with("fixed", number(64.0))
            .with("every", dinrail_sdk::Value::Integer(1_000_000))
            .with("law", dinrail_sdk::Value::Text(law.into()));
        let mut bound = bindings();
        if law == "learnt" {
            bound.inputs.pop();
        }
        let guard = Guard::new(vec![spec], HOUR_NS as u64).unwrap();
        let image = ProcessImage::new(&TagTable::default());
        let plugin = SupplyPlanner::configure(bound, said).unwrap();
        Site { plugin, guard, image, plant: Stock::new(seed, Item::published(mean)), scan: 0, placed: vec![] }
    }

    /// A period: what the plant shows, what the plugin proposes, what the guard places.
    fn period(&mut self) {
        if self.scan > 0 {
            self.plant.advance(PERIOD_S);
        }
        self.scan += 1;
        let mut readings = Vec::new();
        self.plant.read(&mut readings);
        let values: Vec<f64> = readings
            .iter()
            .map(|reading| match reading.value {
                Value::Number(number) => number,
                Value::Block { .. } => f64::NAN,
            })
            .collect();
        let time_ns = self.scan as i64 * HOUR_NS;
        let mut frame = Frame::of_rows(4, &values);
        (frame.scan, frame.time_ns, frame.times_ns[0]) = (self.scan, time_ns, time_ns);
        let nothing = Outlook { series: vec![] };
        let states: Vec<OutputState> = self.guard.output_states(&[OUTPUT]).into_iter().map(told).collect();
        self.plugin.forecast(&frame, &nothing).unwrap();
        let orders = self.plugin.replenish(&frame, &states, &nothing).unwrap();
        let proposals: Vec<OwnedProposal> = orders
            .iter()
            .map(|order| OwnedProposal {
                owner: OWNER,
                output: OUTPUT,
                setpoint: order.quantity,
                valid_for_ns: order.valid_for_ns,
                made_scan: frame.scan,
                input_quality: if values.iter().all(|value| value.is_finite()) { Quality::Good } else { Quality::Bad },
            })
            .collect();
        let verdicts = self.guard.scan(ScanTime { scan: self.scan, time_ns }, &self.image, &proposals);
        for command in &verdicts.commands {
            self.plant.write(0, command.value());
            self.placed.push(command.value());
        }
    }

    fn ratio(&self) -> f64 {
        self.plant.shelf().cost / self.plant.optimal().unwrap().cost
    }
}

fn told(state: dinrail_core::outcome::OutputState) -> OutputState {
    OutputState {
        applied: state.applied,
        readback: state.readback,
        mode: match state.mode {
            Mode::Manual => dinrail_sdk::Mode::Manual,
            Mode::Shadow => dinrail_sdk::Mode::Shadow,
            Mode::Advise => dinrail_sdk::Mode::Advise,
            Mode::Auto => dinrail_sdk::Mode::Auto,
        },
        limited_low: state.limited_low,
        limited_high: state.limited_high,
        blocked: state.blocked,
        initialise: state.initialise,
    }
}

#[test]
fn known_and_learnt_cost_little_more_than_the_optimum() {
    for (law, most) in [("poisson", 1.01), ("learnt", 1.05)] {
        let mut worst: f64 = 0.0;
        for (mean, seed) in MEANS.into_iter().zip(1..) {
            let mut site = Site::new(law, mean, seed, spec(Mode::Auto, None));
            (0..5_000).for_each(|_| site.period());
            println!("{law} {mean}: {:.5}, {} orders", site.ratio(), site.placed.len());
            worst = worst.max(site.ratio());
        }
        assert!(worst <= most, "{law}: {worst}");
    }
}

#[test]
fn in_advise_nothing_is_ordered_without_a_yes_and_each_yes_once() {
    let mut site = Site::new("poisson", 10.0, 1, spec(Mode::Advise, None));
    let mut answered = 0;
    for period in 0..400 {
        site.period();
        // Orders go up to 40; what was asked for when more was there brings less.
        assert!(site.plant.shelf().position() <= 40.0, "ordered twice: {}", site.plant.shelf().position());
        // Somebody looks at every third period's end.
        if period % 3 == 0
            && let Some(advice) = site.guard.advices().first().copied()
        {
            site.guard.accept(advice.id, advice.since_ns).unwrap();
            answered += 1;
        }
    }
    // The last yes is placed in the next scan.
    site.period();
    assert!(answered > 50, "{answered}");
    assert_eq!(site.placed.len(), answered);
}

#[test]
fn a_tight_budget_is_kept_to() {
    let budget = Budget { quantity: 60.0, window_ns: 10 * HOUR_NS as u64 };
    let mut site = Site::new("poisson", 10.0, 1, spec(Mode::Auto, Some(budget)));
    (0..500).for_each(|_| site.period());
    let ordered: f64 = site.placed.iter().sum();
    // Customers want 100 in ten periods; 60 may be ordered.
    assert!((2_400.0..=3_060.0).contains(&ordered), "{ordered}");
    assert_eq!(ordered, site.guard.ordered(OUTPUT));
}
