//! A rolling z-score over any number of columns: the kernel that `cargo xtask bench` runs in wasm and natively.

mod kernel;

pub use kernel::ZScore;

use dinrail_sdk::{
    Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, Parameter, Parameters, Severity,
};

/// The plugin: the kernel, and whether it looks at the quality column.
struct RollingZScore {
    kernel: ZScore,
    limit: f64,
    quality: bool,
}

impl AnomalyDetection for RollingZScore {
    fn describe() -> Description {
        Description::new("zscore", "0.1.0", "How far each row lies from the rows before it")
            .input(Input::group("signals"))
            .parameter(Parameter::number("limit", 6.0).about("Alarm above this many standard deviations"))
            .parameter(Parameter::boolean("quality", true).about("Leave out values that are not usable"))
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(RollingZScore {
            kernel: ZScore::new(bindings.columns as usize, bindings.window as usize),
            limit: parameters.number("limit")?,
            quality: parameters.boolean("quality")?,
        })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        Ok(match self.quality {
            true => detect::<true>(&mut self.kernel, self.limit, frame),
            false => detect::<false>(&mut self.kernel, self.limit, frame),
        })
    }
}

/// Frame to results, as the plugin does it: this is what the bench also runs natively.
pub fn detect<const QUALITY: bool>(kernel: &mut ZScore, limit: f64, frame: &Frame) -> Vec<Anomaly> {
    let mut anomalies = Vec::with_capacity(frame.row_count().saturating_sub(frame.first_new as usize));
    kernel.judge::<QUALITY>(&frame.values, &frame.quality, frame.first_new as usize, |row, z, each| {
        let score = z / (z + limit);
        if z <= limit {
            anomalies.push(Anomaly::score(row as u32, score));
            return;
        }
        let over = each.iter().enumerate().filter(|&(_, &z)| z > limit);
        let shares = over.map(|(column, &z)| (column as u32, z / (z + limit)));
        anomalies.push(Anomaly::alarm(row as u32, score, Severity::Alarm).because_of(shares));
    });
    anomalies
}

dinrail_sdk::export!(RollingZScore: AnomalyDetection);
