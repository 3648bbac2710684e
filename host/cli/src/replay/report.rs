//! What came of a replay, for eyes or for programs.

use super::compare::{Compared, Difference};
use super::journal::Asked;
use dinrail_inference::OnnxModel;
use dinrail_store::incident::{Manifest, ModelManifest, PluginManifest};
use serde::Serialize;
use std::sync::Arc;

/// A replay.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Site of the incident.
    pub site: String,
    /// What happened.
    pub kind: String,
    /// In a sentence.
    pub why: String,
    /// When.
    pub time: String,
    /// How far numbers may be apart; none: results are equal to the byte or different.
    pub tolerance: Option<f64>,
    /// Plugins get what they got, whatever they answer now.
    pub open_loop: bool,
    /// In the configuration's order.
    pub plugins: Vec<PluginReport>,
}

/// A plugin's part.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PluginReport {
    /// Its name.
    pub plugin: String,
    /// SHA-256 of what was recorded.
    pub recorded: String,
    /// SHA-256 of what was replayed.
    pub replayed: String,
    /// Tags that were taken out: it can't be replayed byte for byte.
    pub redacted: Vec<String>,
    /// Instances with entries.
    pub instances: u64,
    /// Places it was replayed from.
    pub starts: u64,
    /// Calls made again.
    pub calls: u64,
    /// With the same bytes.
    pub equal: u64,
    /// With other bytes, and no number past the tolerance.
    pub within: u64,
    /// The others.
    pub different: u64,
    /// The largest distance among those within.
    pub largest: f64,
    /// Saved states that were the same bytes.
    pub states: u64,
    /// Calls that the wall clock cut then; a fact, and not made again.
    pub cut: u64,
    /// Calls that came too late then; made again like the others.
    pub missed: u64,
    /// Calls that nothing can be replayed to: what they begin at was not kept.
    pub unreachable: u64,
    /// Models' answers that were recorded, and asked for again.
    pub inferences: u64,
    /// Asked for what was not recorded, or not asked for what was.
    pub strayed: u64,
    /// Answers that could not be asked for again, since pictures were left out.
    pub blank: u64,
    /// Models that ran again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recomputed: Option<Compared>,
    /// Models that ran again and are not the recorded ones: slot, recorded digest, this one's.
    pub other_models: Vec<(String, String, String)>,
    /// Where it begins to differ.
    pub first: Option<Difference>,
    #[serde(skip)]
    pub(super) last_scan: u64,
}

impl PluginReport {
    pub(super) fn new(
        plugin: &PluginManifest,
        digest: &str,
        models: &[(ModelManifest, Option<Arc<OnnxModel>>)],
    ) -> PluginReport {
        let others = models.iter().filter_map(|(model, again)| {
            let again = again.as_ref().filter(|again| !again.sha256().eq_ignore_ascii_case(&model.sha256))?;
            Some((model.slot.clone(), model.sha256.clone(), again.sha256().to_owned()))
        });
        PluginReport {
            plugin: plugin.name.clone(),
            recorded: plugin.sha256.clone(),
            replayed: digest.to_owned(),
            redacted: plugin.redacted.clone(),
            other_models: others.collect(),
            recomputed: models.iter().any(|(_, again)| again.is_some()).then(Compared::default),
            ..PluginReport::default()
        }
    }

    pub(super) fn models(&mut self, asked: Asked) {
        self.inferences = asked.answered;
        self.strayed = asked.strayed + asked.left;
        self.blank = asked.blank;
        if let Some(recomputed) = &mut self.recomputed {
            *recomputed = asked.compared;
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.first.is_none() && self.different == 0 && self.recomputed.is_none_or(|models| models.different == 0)
    }

    fn line(&self) -> String {
        let mut line = format!("{}: {} calls replayed, {} equal to the byte", self.plugin, self.calls, self.equal);
        if self.within > 0 {
            line.push_str(&format!(", {} within the tolerance (largest {:.1e})", self.within, self.largest));
        }
        if self.different > 0 {
            line.push_str(&format!(", {} DIFFERENT", self.different));
        }
        let counts = [
            (self.states, "saved states equal"),
            (self.inferences, "answers of models from the journal"),
            (self.strayed, "answers asked for otherwise"),
            (self.cut, "cut by the clock then"),
            (self.missed, "too late then"),
            (self.blank, "answers not asked for again, for want of their pictures"),
            (self.unreachable, "that nothing can be replayed to"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            line.push_str(&format!(", {count} {what}"));
        }
        line
    }

    fn text(&self) -> String {
        let mut lines = vec![self.line()];
        if self.recorded != self.replayed {
            let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
            lines.push(format!("  another version: {} in place of {}", short(&self.replayed), short(&self.recorded)));
        }
        for (slot, ..) in &self.other_models {
            lines.push(format!("  the model of `{slot}` is not the recorded one"));
        }
        if let Some(models) = &self.recomputed {
            lines.push(format!(
                "  models run again: {} numbers, {} past the tolerance, largest {:.1e}",
                models.numbers, models.different, models.largest
            ));
        }
        if !self.redacted.is_empty() {
            let tags = self.redacted.join(", ");
            lines.push(format!("  not replayed byte for byte, since these were taken out: {tags}"));
        }
        if let Some(first) = &self.first {
            let asset = first.asset.as_ref().map_or_else(String::new, |asset| format!(" [{asset}]"));
            lines.push(format!(
                "  first difference: scan {}{asset}, {}: recorded {}, replayed {}",
                first.scan, first.field, first.recorded, first.replayed
            ));
        }
        lines.join("\n")
    }
}

impl Report {
    pub(super) fn new(manifest: &Manifest) -> Report {
        Report {
            site: manifest.site.clone(),
            kind: manifest.kind.clone(),
            why: manifest.why.clone(),
            time: manifest.time.clone(),
            tolerance: None,
            open_loop: true,
            plugins: Vec::new(),
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.plugins.iter().all(PluginReport::holds)
    }

    /// Prints it on stdout.
    pub fn print(&self, json: bool) {
        if json {
            match serde_json::to_string(self) {
                Ok(line) => show!("{line}\n"),
                Err(error) => tell!("dinrail: {error}"),
            }
            return;
        }
        show!("{} at {}, {}: {}\n", self.kind, self.site, self.time, self.why);
        for plugin in &self.plugins {
            show!("{}\n", plugin.text());
        }
        let calls: u64 = self.plugins.iter().map(|plugin| plugin.calls).sum();
        let verdict = match (self.holds(), self.tolerance) {
            (true, None) => format!("equal to the byte: {calls} calls, open loop"),
            (true, Some(tolerance)) => format!("equal within {tolerance}: {calls} calls, open loop"),
            (false, _) => format!("DIFFERENT: {calls} calls, open loop"),
        };
        show!("{verdict}\n");
    }
}
