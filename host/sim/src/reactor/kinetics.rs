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

/// How fast a plant's reactions are beside the published ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chemistry {
    /// Factor of each rate constant at [`REFERENCE_CEL`].
    pub factors: [f64; 3],
    /// Factor of each activation energy, about [`REFERENCE_CEL`].
    pub activations: [f64; 3],
}

/// The temperature at which [`Chemistry::activations`] change no rate.
pub const REFERENCE_CEL: f64 = 85.0;

/// E/R of the three reactions, in kelvin.
const ACTIVATION_K: [f64; 3] = [6666.7, 8333.3, 11111.0];

impl Chemistry {
    /// The published one.
    pub const PUBLISHED: Self = Self { factors: [1.0; 3], activations: [1.0; 3] };

    /// k1, k2, k3 in 1/s (by mass fraction) at a temperature.
    pub fn rate_constants(&self, temp_cel: f64) -> [f64; 3] {
        let (published, from_reference) = (rate_constants(temp_cel), inverse_kelvin(temp_cel));
        std::array::from_fn(|i| {
            let tilt = ACTIVATION_K[i] * (1.0 - self.activations[i]) * from_reference;
            published[i] * self.factors[i] * if tilt == 0.0 { 1.0 } else { tilt.exp() }
        })
    }
}

/// 1/T − 1/T at [`REFERENCE_CEL`], 1/K.
fn inverse_kelvin(temp_cel: f64) -> f64 {
    1.0 / (temp_cel + KELVIN) - 1.0 / (REFERENCE_CEL + KELVIN)
}

/// The published k1, k2, k3 in 1/s (by mass fraction) at a temperature.
pub fn rate_constants(temp_cel: f64) -> [f64; 3] {
    let kelvin = temp_cel + KELVIN;
    let [e1, e2, e3] = ACTIVATION_K;
    [1.6599e6 * (-e1 / kelvin).exp(), 7.2117e8 * (-e2 / kelvin).exp(), 2.6745e12 * (-e3 / kelvin).exp()]
}

/// Money a second: what the products bring less what the feeds cost.
pub fn profit(x: &Fractions, feed_a: f64, feed_b: f64, out_flow: f64) -> f64 {
    let [_, _, _, x_e, _, x_p] = x;
    1143.38 * x_p * out_flow + 25.92 * x_e * out_flow - 76.23 * feed_a - 114.34 * feed_b
}

/// How fast the published reactor's mass fractions change, 1/s.
pub fn derivative(x: &Fractions, inputs: Inputs) -> Fractions {
    balance(x, FEED_A_KG_S, inputs.feed_b_kg_s, &rate_constants(inputs.temp_cel))
}

fn balance(x: &Fractions, feed_a_kg_s: f64, feed_b_kg_s: f64, k: &[f64; 3]) -> Fractions {
    let [a, b, c, e, g, p] = *x;
    let (feed_a, flow) = (feed_a_kg_s / MASS_KG, (feed_a_kg_s + feed_b_kg_s) / MASS_KG);
    let r1 = k[0] * a * b;
    let r2 = k[1] * b * c;
    let r3 = k[2] * c * p;
    [
        feed_a - flow * a - r1,
        feed_b_kg_s / MASS_KG - flow * b - r1 - r2,
        -flow * c + 2.0 * r1 - 2.0 * r2 - r3,
        -flow * e + 2.0 * r2,
        -flow * g + 1.5 * r3,
        -flow * p + r2 - 0.5 * r3,
    ]
}

/// The published reactor's fractions `dt_s` later, the inputs being constant: [`step_of`] with its feed and its rates.
pub fn step(x: &Fractions, inputs: Inputs, dt_s: f64) -> Fractions {
    step_of(x, FEED_A_KG_S, inputs.feed_b_kg_s, &rate_constants(inputs.temp_cel), dt_s)
}

/// The fractions `dt_s` later under constant feeds in kg/s and rate constants in 1/s: one step of the classical Runge–Kutta
/// method. Steps up to some seconds are safe: the fastest reaction takes about ten.
pub fn step_of(x: &Fractions, feed_a: f64, feed_b: f64, k: &[f64; 3], dt_s: f64) -> Fractions {
    let slope = |x: &Fractions| balance(x, feed_a, feed_b, k);
    let along = |d: &Fractions, h: f64| -> Fractions { std::array::from_fn(|i| x[i] + h * d[i]) };
    let d1 = slope(x);
    let d2 = slope(&along(&d1, dt_s / 2.0));
    let d3 = slope(&along(&d2, dt_s / 2.0));
    let d4 = slope(&along(&d3, dt_s));
    std::array::from_fn(|i| x[i] + dt_s / 6.0 * (d1[i] + 2.0 * d2[i] + 2.0 * d3[i] + d4[i]))
}

/// The mass fractions at which nothing changes any more in the published reactor.
pub fn steady_state(inputs: Inputs) -> Fractions {
    steady_state_of(FEED_A_KG_S, inputs.feed_b_kg_s, &rate_constants(inputs.temp_cel))
}

/// The mass fractions at which nothing changes any more under constant feeds in kg/s and rate constants in 1/s.
///
/// With B given, A follows from its own balance; P's balance put into C's leaves a quadratic with one positive root; what is
/// left is the balance of B, which falls. Its bisection finds the steady state from any inputs in the actuators' ranges.
pub fn steady_state_of(feed_a_kg_s: f64, feed_b_kg_s: f64, k: &[f64; 3]) -> Fractions {
    let (feed_a, feed_b) = (feed_a_kg_s / MASS_KG, feed_b_kg_s / MASS_KG);
    let flow = feed_a + feed_b;
    let given_b = |b: f64| {
        let a = feed_a / (flow + k[0] * b);
        let (made, left) = (2.0 * k[0] * a * b, flow + 2.0 * k[1] * b);
        // (made − left·c)·(flow + k3·c/2) = k2·k3·b·c²
        let square = 0.5 * k[2] * left + k[1] * k[2] * b;
        let slope = 0.5 * k[2] * made - left * flow;
        let root = (slope * slope + 4.0 * square * made * flow).sqrt();
        let c = if slope > 0.0 { (slope + root) / (2.0 * square) } else { 2.0 * made * flow / (root - slope) };
        (a, c)
    };
    let b = root_of_falling(|b| {
        let (a, c) = given_b(b);
        feed_b - flow * b - k[0] * a * b - k[1] * b * c
    });
    let (a, c) = given_b(b);
    let p = k[1] * b * c / (flow + 0.5 * k[2] * c);
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
    fn another_chemistry_has_its_rates_and_its_steady_state() {
        let chemistry = Chemistry { factors: [0.9, 1.1, 1.05], activations: [1.02, 0.98, 1.01] };
        let (at_reference, published) = (chemistry.rate_constants(REFERENCE_CEL), rate_constants(REFERENCE_CEL));
        for i in 0..3 {
            assert!((at_reference[i] / published[i] - chemistry.factors[i]).abs() < 1e-12, "{i}");
        }
        let rise = |c: Chemistry, i: usize| (c.rate_constants(90.0)[i] / c.rate_constants(80.0)[i]).ln();
        for i in 0..3 {
            let steeper = rise(chemistry, i) / rise(Chemistry::PUBLISHED, i);
            assert!((steeper - chemistry.activations[i]).abs() < 1e-9, "{i}: {steeper}");
        }
        let k = chemistry.rate_constants(93.0);
        let x = steady_state_of(1.7, 5.2, &k);
        assert!(balance(&x, 1.7, 5.2, &k).iter().all(|d| d.abs() < 1e-14), "{x:?}");
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
