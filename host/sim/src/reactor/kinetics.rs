//! The Williams–Otto reactions (Williams and Otto, 1960; in the form of Roberts, 1979).
//!
//! A + B → C (k1), B + C → P + E (k2), C + P → G (k3) in a stirred tank of constant mass, all in mass fractions. Relative
//! molecular masses 100 (A, B, P), 200 (C, E), 300 (G) give the factors of the balances.

/// Feed of A, kg/s.
pub const FEED_A_KG_S: f64 = 1.8275;
/// Mass in the tank, kg.
pub const MASS_KG: f64 = 2105.0;
/// Mass fractions of A, B, C, E, G, P.
pub type Fractions = [f64; 6];

const KELVIN: f64 = 273.15;

/// What the setpoints decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs {
    /// Feed of B, kg/s.
    pub feed_b_kg_s: f64,
    /// Temperature of the tank, Cel.
    pub temp_cel: f64,
}

/// k1, k2, k3 in 1/s (by mass fraction) at a temperature.
pub fn rate_constants(temp_cel: f64) -> [f64; 3] {
    let kelvin = temp_cel + KELVIN;
    [1.6599e6 * (-6666.7 / kelvin).exp(), 7.2117e8 * (-8333.3 / kelvin).exp(), 2.6745e12 * (-11111.0 / kelvin).exp()]
}

/// Money a second: what the products bring less what the feeds cost.
pub fn profit(x: &Fractions, feed_a: f64, feed_b: f64, out_flow: f64) -> f64 {
    let [_, _, _, x_e, _, x_p] = x;
    1143.38 * x_p * out_flow + 25.92 * x_e * out_flow - 76.23 * feed_a - 114.34 * feed_b
}

/// How fast the mass fractions change, 1/s.
pub fn derivative(x: &Fractions, inputs: Inputs) -> Fractions {
    balance(x, inputs.feed_b_kg_s, &rate_constants(inputs.temp_cel))
}

fn balance(x: &Fractions, feed_b: f64, k: &[f64; 3]) -> Fractions {
    let [a, b, c, e, g, p] = *x;
    let (feed_a, flow) = (FEED_A_KG_S / MASS_KG, (FEED_A_KG_S + feed_b) / MASS_KG);
    let r1 = k[0] * a * b;
    let r2 = k[1] * b * c;
    let r3 = k[2] * c * p;
    [
        feed_a - flow * a - r1,
        feed_b / MASS_KG - flow * b - r1 - r2,
        -flow * c + 2.0 * r1 - 2.0 * r2 - r3,
        -flow * e + 2.0 * r2,
        -flow * g + 1.5 * r3,
        -flow * p + r2 - 0.5 * r3,
    ]
}

/// The fractions `dt_s` later, the inputs being constant: one step of the classical Runge–Kutta method. Steps up to some
/// seconds are safe: the fastest reaction takes about ten.
pub fn step(x: &Fractions, inputs: Inputs, dt_s: f64) -> Fractions {
    let k = rate_constants(inputs.temp_cel);
    let slope = |x: &Fractions| balance(x, inputs.feed_b_kg_s, &k);
    let along = |d: &Fractions, h: f64| -> Fractions { std::array::from_fn(|i| x[i] + h * d[i]) };
    let d1 = slope(x);
    let d2 = slope(&along(&d1, dt_s / 2.0));
    let d3 = slope(&along(&d2, dt_s / 2.0));
    let d4 = slope(&along(&d3, dt_s));
    std::array::from_fn(|i| x[i] + dt_s / 6.0 * (d1[i] + 2.0 * d2[i] + 2.0 * d3[i] + d4[i]))
}

/// The mass fractions at which nothing changes any more.
///
/// With B given, A follows from its own balance, C is the root of a falling function, and P follows from both; what is left
/// is the balance of B, one more root. Two nested bisections find it from any inputs in the actuators' ranges.
pub fn steady_state(inputs: Inputs) -> Fractions {
    let k = rate_constants(inputs.temp_cel);
    let feed_b = inputs.feed_b_kg_s / MASS_KG;
    let flow = (FEED_A_KG_S + inputs.feed_b_kg_s) / MASS_KG;
    let given_b = |b: f64| {
        let a = (FEED_A_KG_S / MASS_KG) / (flow + k[0] * b);
        let p_of = |c: f64| k[1] * b * c / (flow + 0.5 * k[2] * c);
        let c = root_of_falling(|c| 2.0 * k[0] * a * b - flow * c - 2.0 * k[1] * b * c - k[2] * c * p_of(c));
        (a, c, p_of(c))
    };
    let b = root_of_falling(|b| {
        let (a, c, _) = given_b(b);
        feed_b - flow * b - k[0] * a * b - k[1] * b * c
    });
    let (a, c, p) = given_b(b);
    let e = 2.0 * k[1] * b * c / flow;
    let g = 1.5 * k[2] * c * p / flow;
    [a, b, c, e, g, p]
}

/// The root in [0, 1] of a function that falls through zero there.
fn root_of_falling(f: impl Fn(f64) -> f64) -> f64 {
    let (mut lo, mut hi) = (0.0, 1.0);
    // 52 halvings use up an f64's digits.
    for _ in 0..52 {
        let mid = 0.5 * (lo + hi);
        if f(mid) > 0.0 { lo = mid } else { hi = mid }
    }
    0.5 * (lo + hi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_state_is_steady_and_sums_to_one_everywhere() {
        for feed_b_kg_s in [3.0, 4.0, 4.787, 6.0] {
            for temp_cel in [70.0, 80.0, 89.7, 100.0] {
                let inputs = Inputs { feed_b_kg_s, temp_cel };
                let x = steady_state(inputs);
                let fastest = derivative(&x, inputs).iter().fold(0.0, |m: f64, d| m.max(d.abs()));
                assert!(fastest < 1e-14, "{inputs:?}: {fastest}");
                assert!((x.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{inputs:?}");
            }
        }
    }

    #[test]
    fn profit_at_the_start_is_the_known_one() {
        let x = steady_state(Inputs { feed_b_kg_s: 4.0, temp_cel: 80.0 });
        let profit = profit(&x, FEED_A_KG_S, 4.0, FEED_A_KG_S + 4.0);
        assert!((profit - 175.6).abs() < 0.05, "{profit}");
    }

    #[test]
    fn a_transient_ends_in_the_steady_state_whatever_the_step() {
        let inputs = Inputs { feed_b_kg_s: 5.5, temp_cel: 95.0 };
        let run = |dt_s: f64| {
            let from = steady_state(Inputs { feed_b_kg_s: 4.0, temp_cel: 80.0 });
            (0..(7200.0 / dt_s) as usize).fold(from, |x, _| step(&x, inputs, dt_s))
        };
        let (coarse, fine, end) = (run(1.0), run(0.1), steady_state(inputs));
        for i in 0..6 {
            assert!((coarse[i] - fine[i]).abs() < 1e-10 && (fine[i] - end[i]).abs() < 1e-7, "{i}");
        }
    }
}
