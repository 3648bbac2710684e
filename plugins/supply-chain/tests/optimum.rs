//! The policies against the judge's value iteration, which knows nothing of how they are found.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_sim::judge::inventory::{Case, Phase, optimum};
use dinrail_sim::stock::demand::Demand;
use supply_chain::stock::law::Law;
use supply_chain::stock::policy::{Policy, Terms};

const TERMS: Terms = Terms {
    holding: 1.0,
    shortage: 9.0,
    fixed: 64.0,
    lead: 0,
    review: 1,
    pack: 1.0,
    minimum: 0.0,
    maximum: 1e5,
    lost: false,
};

fn case(terms: &Terms, weights: Vec<f64>) -> Case {
    Case {
        holding: terms.holding,
        shortage: terms.shortage,
        fixed: terms.fixed,
        lead: terms.lead as usize,
        lost: terms.lost,
        pack: terms.pack as usize,
        minimum: terms.minimum as usize,
        maximum: terms.maximum as usize,
        phases: (0..terms.review).map(|at| Phase { demand: weights.clone(), may_order: at == 0 }).collect(),
    }
}

/// The policy's expected cost, and its orders at every position, beside the optimum's.
fn check(terms: Terms, demand: Demand, law: &Law) {
    terms.check().unwrap();
    let best = optimum(&case(&terms, demand.weights(1.0))).unwrap();
    let policy = Policy::new(&terms, law, 0.0);
    let ratio = policy.cost() / best.cost;
    assert!((ratio - 1.0).abs() < 1e-3, "{terms:?} {demand:?}: {} for {}", policy.cost(), best.cost);
    let (lower, upper) = policy.levels();
    let differ = (lower as i64 - 20..=upper as i64 + 5)
        .filter(|at| policy.order(*at as f64) != best.order(0, *at) as f64)
        .collect::<Vec<_>>();
    // Ties, and positions that are hardly ever seen, may go either way.
    assert!(differ.len() <= 2, "{terms:?} {demand:?}: {differ:?}");
}

#[test]
fn levels_packs_and_bounds_are_optimal_for_whole_units() {
    for mean in [3.0, 12.0, 18.0, 30.0] {
        for terms in [
            TERMS,
            Terms { fixed: 0.0, lead: 4, ..TERMS },
            Terms { lead: 3, ..TERMS },
            Terms { lead: 1, review: 3, ..TERMS },
            Terms { lead: 1, pack: 12.0, ..TERMS },
            Terms { lead: 1, minimum: 75.0, ..TERMS },
            Terms { lead: 2, pack: 10.0, minimum: 20.0, maximum: 60.0, ..TERMS },
            Terms { fixed: 5.0, maximum: 40.0, ..TERMS },
            Terms { lost: true, ..TERMS },
        ] {
            check(terms, Demand::poisson(mean), &Law::Poisson { mean });
        }
    }
}

#[test]
fn scattered_and_intermittent_demand_too() {
    let scattered = Demand { dispersion: 4.0, ..Demand::poisson(12.0) };
    let intermittent = Demand { idle: 0.8, ..Demand::poisson(2.0) };
    for terms in [TERMS, Terms { lead: 2, fixed: 10.0, ..TERMS }, Terms { lead: 1, pack: 6.0, fixed: 10.0, ..TERMS }] {
        check(terms, scattered, &Law::counts(12.0, 48.0));
        check(terms, intermittent, &Law::Seen { step: 1.0, weights: intermittent.weights(1.0) });
    }
}
