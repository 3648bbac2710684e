//! The recorder's own side: what it does with each record, one sink and one judge after the other.

mod telling;

use super::context::context;
use super::flight::FlightRecorder;
use super::notice::{self, Notices};
use super::{Answer, Economy, Message, Report, Scan, Setup, Stopping, mqtt_figures};
use crate::statistics::{DetectionSummary, MqttFigures, PluginFigures, ReactorSummary, SampleFigures, Statistics};
use crossbeam_channel::Receiver;
use dinrail_core::guard::{Cause, Command, ItemJudgement, OutputId, Verdict};
use dinrail_core::outcome::{Outcome, Results};
use dinrail_core::record::{InstanceId, InstanceRecord, ScanRecord};
use dinrail_core::time::TimeNs;
use dinrail_engine::{LogLevel, Metric};
use dinrail_field::message::PluginContext;
use dinrail_field::sink::mqtt::ContextId;
use dinrail_sim::judge::{Finding, ProfitRatio};
use dinrail_sim::{Condition, Truth};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Records that are kept in memory.
const RING_RECORDS: usize = 1_024;

/// What the sinks know an instance by.
struct Known {
    plugin: usize,
    asset: Option<Arc<str>>,
    /// Plugin's name, with the asset's key where there is one.
    label: String,
    context: PluginContext,
    /// By index of the MQTT sink.
    registered: Vec<ContextId>,
}

pub(super) struct Recording {
    setup: Setup,
    statistics: Statistics,
    known: Vec<Known>,
    ring: VecDeque<Arc<ScanRecord>>,
    notices: Notices,
    profit: Option<ProfitRatio>,
    answers: Vec<Answer>,
    conditions: Vec<(TimeNs, Condition)>,
    economy: Vec<Economy>,
    commands: Vec<Command>,
    /// What gates made of verdicts, where answers are collected.
    item_judgements: Vec<ItemJudgement>,
    /// By watched tag.
    watched: Vec<Vec<(f64, f64)>>,
    /// By output: its last command, and how far commands moved it in all.
    moved: Vec<(Option<f64>, f64)>,
    /// The latest failure of a file, as it was told.
    sink_error: Option<String>,
    /// Messages that links dropped, as far as they were counted as lost.
    links_dropped: u64,
    /// When the run began, until the first scan's line was shown.
    began: Option<Instant>,
    /// Run time of the first record.
    origin_ns: Option<TimeNs>,
    last_ns: TimeNs,
    flight: Option<FlightRecorder>,
}

impl Recording {
    pub(super) fn new(mut setup: Setup) -> Recording {
        let plugins = &setup.plugins;
        let flight = setup.flight.take().map(|flight| FlightRecorder::start(flight, plugins.clone()));
        let plugins = setup
            .plugins
            .iter()
            .map(|plugin| {
                PluginFigures::new(
                    plugin.config.name.clone(),
                    plugin.world().name(),
                    plugin.component.digest().to_owned(),
                )
            })
            .collect();
        Recording {
            statistics: Statistics { plugins, ..Statistics::default() },
            notices: Notices::new(&setup),
            moved: vec![(None, 0.0); setup.outputs.len()],
            watched: vec![Vec::new(); setup.watch.len()],
            setup,
            known: Vec::new(),
            ring: VecDeque::with_capacity(RING_RECORDS),
            profit: None,
            answers: Vec::new(),
            conditions: Vec::new(),
            economy: Vec::new(),
            commands: Vec::new(),
            item_judgements: Vec::new(),
            sink_error: None,
            links_dropped: 0,
            began: None,
            origin_ns: None,
            last_ns: 0,
            flight,
        }
    }

    pub(super) fn run(mut self, receiver: &Receiver<Message>) -> Report {
        for message in receiver {
            match message {
                Message::Instance { id, plugin, asset } => self.meet(id, plugin, asset),
                Message::Began(began) => self.began = Some(began),
                Message::Scan(scan) => self.record(*scan),
                Message::Stopping(stopping) => self.stopping(&stopping),
            }
        }
        self.finish()
    }

    fn meet(&mut self, id: InstanceId, plugin: usize, asset: Option<Arc<str>>) {
        assert_eq!(id.index(), self.known.len(), "instances are announced in their order");
        let of = &self.setup.plugins[plugin];
        let context = context(of, asset.as_deref(), &self.setup.outputs);
        let registered = self.setup.mqtt.iter_mut().map(|sink| sink.register(context.clone())).collect();
        let label = match &asset {
            Some(key) => format!("{}[{key}]", of.config.name),
            None => of.config.name.clone(),
        };
        self.statistics.plugins[plugin].counts.instances += 1;
        if let Some(flight) = &mut self.flight {
            flight.meet(plugin, asset.as_deref(), &label);
        }
        self.known.push(Known { plugin, asset, label, context, registered });
    }

    fn record(&mut self, mut scan: Scan) {
        self.tell_swaps(&scan.record);
        self.fly(&mut scan);
        let record = &scan.record;
        let origin_ns = *self.origin_ns.get_or_insert(record.time_ns);
        self.last_ns = record.time_ns;
        if let Some(began) = self.began.take() {
            let line = format!("first scan {:.1} s after the start", began.elapsed().as_secs_f64());
            self.notices.controller(&mut self.setup.view, record.time_ns, &line);
        }
        let time_s = dinrail_core::time::seconds_between(origin_ns, record.time_ns);
        self.count(&scan);
        for instance in &record.instances {
            self.tell_sinks(instance);
            self.judge_findings(instance, origin_ns);
            self.collect(instance);
        }
        self.tell_states(record);
        for command in &record.commands {
            let (last, moved) = &mut self.moved[command.output().index()];
            *moved += last.map_or(0.0, |last| (command.value() - last).abs());
            *last = Some(command.value());
        }
        if self.setup.collect.is_some() {
            self.commands.extend_from_slice(&record.commands);
            self.item_judgements.extend_from_slice(&record.items);
        }
        self.watch(record, time_s);
        self.tell_commands(&record.commands);
        self.tell_gates(record);
        self.tell_alarms(record);
        self.tell_values(record);
        for sink in &mut self.setup.jsonl {
            if let Err(error) = sink.flush() {
                self.statistics.sink_errors += 1;
                self.setup.losses.records.fetch_add(1, Ordering::Relaxed);
                // Said once, and again where it changes: a full disk fails at every scan.
                let text = format!("jsonl: {error}");
                if self.sink_error.as_ref() != Some(&text) {
                    self.notices.controller(&mut self.setup.view, record.time_ns, &text);
                    self.sink_error = Some(text);
                }
            }
        }
        if let Some(truth) = &scan.truth {
            self.judge_truth(time_s, truth);
            if let (Some(_), Some(condition)) = (self.setup.collect, truth.condition) {
                self.conditions.push((record.time_ns, condition));
            }
            if self.setup.collect.is_some() {
                self.economy.extend(Economy::of(truth));
            }
        }
        for change in &record.states {
            let known = &self.known[change.instance.index()];
            self.statistics.plugins[known.plugin].counts.state = change.state;
        }
        self.take_notes(&scan);
        let tags = Arc::clone(&self.setup.tags);
        self.notices.scan(&mut self.setup.view, record, &tags, |id| self.known[id.index()].label.clone());
        if self.notices.snapshot_due() {
            self.count_dropped();
            let snapshot = self.snapshot(&scan, time_s);
            self.setup.view.snapshot(snapshot);
        }
        if self.ring.len() == RING_RECORDS {
            self.ring.pop_front();
        }
        self.ring.push_back(scan.record);
    }

    /// Messages that a link dropped are lost to whoever listens.
    fn count_dropped(&mut self) {
        let dropped = mqtt_figures(&self.setup.links).dropped;
        let new = dropped.saturating_sub(std::mem::replace(&mut self.links_dropped, dropped));
        self.setup.losses.records.fetch_add(new, Ordering::Relaxed);
    }

    /// Keeps what instances got and gave, and tells of incidents.
    fn fly(&mut self, scan: &mut Scan) {
        let Some(flight) = &mut self.flight else { return };
        for line in flight.record(&scan.record, std::mem::take(&mut scan.flights)) {
            self.notices.controller(&mut self.setup.view, scan.record.time_ns, &line);
        }
    }

    /// Tells what became of versions.
    fn tell_swaps(&mut self, record: &ScanRecord) {
        for step in &record.swaps {
            let text = format!("{}: swap {}, {}", step.plugin, step.number, step.text);
            self.notices.controller(&mut self.setup.view, record.time_ns, &text);
        }
    }

    /// Keeps the values of watched tags.
    fn watch(&mut self, record: &ScanRecord, time_s: f64) {
        for (tag, kept) in self.setup.watch.iter().zip(&mut self.watched) {
            let news = record.values.iter().filter(|value| value.tag == *tag && value.asset.is_none());
            kept.extend(news.filter(|value| value.quality.is_usable()).map(|value| (time_s, value.value)));
        }
    }

    /// What became of the outputs.
    fn stopping(&mut self, stopping: &Stopping) {
        let Stopping { time_ns, verdicts, abandoned } = stopping;
        let time_ns = *time_ns;
        for instance in abandoned {
            self.count_outcome(instance);
        }
        self.statistics.commands += verdicts.commands.len() as u64;
        self.tell_commands(&verdicts.commands);
        let name = |output: OutputId| &self.setup.outputs[output.index()].name;
        let mut lines = Vec::new();
        for command in &verdicts.commands {
            let unit = &self.setup.outputs[command.output().index()].unit;
            // An order that was accepted in the last moment is the one command at a stop that is a plugin's.
            let what = if command.cause() == Cause::Plugin { "is ordered:" } else { "stops at" };
            lines.push(format!("{} {what} {:.4} {unit}", name(command.output()), command.value()));
        }
        lines.extend(verdicts.held.iter().map(|output| format!("{} is held where it is", name(*output))));
        let unplaced = verdicts.unplaced.iter();
        lines.extend(
            unplaced.map(|output| format!("{}: an accepted order was inhibited, and is not placed", name(*output))),
        );
        lines.extend(verdicts.released.iter().map(|output| format!("{} is released", name(*output))));
        for line in lines {
            self.notices.controller(&mut self.setup.view, time_ns, &line);
        }
    }

    /// A plugin's log lines become the operator's, its metrics figures.
    fn take_notes(&mut self, scan: &Scan) {
        for (id, notes) in &scan.notes {
            let known = &self.known[id.index()];
            let figures = &mut self.statistics.plugins[known.plugin];
            figures.counts.notes_dropped += notes.logs_dropped + notes.metrics_dropped;
            for metric in &notes.metrics {
                match metric {
                    Metric::Gauge { name, value } => figures.gauge(name, *value),
                    Metric::Count { name, add } => figures.add(name, *add),
                }
            }
            for line in notes.logs.iter().filter(|line| line.level != LogLevel::Debug) {
                let text = format!("{} says: {}", known.label, line.message);
                self.notices.controller(&mut self.setup.view, scan.record.time_ns, &text);
            }
        }
    }

    fn count(&mut self, scan: &Scan) {
        let record = &scan.record;
        let statistics = &mut self.statistics;
        statistics.scans += 1;
        statistics.samples_in += record.arrivals.applied;
        let samples = &mut statistics.samples;
        samples.bad += record.arrivals.bad;
        samples.duplicates += record.arrivals.duplicates;
        samples.reordered += record.arrivals.reordered;
        *samples = SampleFigures {
            dropped: scan.sources.dropped,
            malformed: scan.sources.malformed,
            failed_sources: scan.sources.failed,
            rows_dropped: scan.rows_dropped,
            ..*samples
        };
        statistics.commands += record.commands.len() as u64;
        if let Some(items) = scan.items {
            let mut gates = statistics.items.unwrap_or_default();
            record.gates.iter().for_each(|left| gates.leave(left));
            statistics.items = Some(items.with_gates_of(&gates));
        }
        for late in &record.late_faults {
            let figures = &mut statistics.plugins[self.known[late.instance.index()].plugin];
            figures.counts.faults += 1;
            figures.counts.last_fault = Some(late.fault.to_string());
        }
        for instance in &record.instances {
            self.count_outcome(instance);
        }
    }

    fn count_outcome(&mut self, instance: &InstanceRecord) {
        let statistics = &mut self.statistics;
        let figures = &mut statistics.plugins[self.known[instance.instance.index()].plugin];
        figures.count(&instance.report.outcome, instance.report.duration_ns);
        figures.counts.drifted += u64::from(instance.report.inferences.iter().any(|inference| inference.outside));
        statistics.inferences += instance.report.inferences.len() as u64;
        if let Outcome::Answered(results) = &instance.report.outcome {
            statistics.results += results.len() as u64;
        }
        for judgement in &instance.judgements {
            let proposals = &mut statistics.proposals;
            match judgement.verdict {
                Verdict::Accepted => proposals.accepted += 1,
                Verdict::Clamped => proposals.clamped += 1,
                Verdict::Held => proposals.held += 1,
                Verdict::Rejected => proposals.rejected += 1,
            }
        }
    }

    /// Tells the judge and the view of alarms and doubts.
    fn judge_findings(&mut self, instance: &InstanceRecord, origin_ns: TimeNs) {
        let Outcome::Answered(results) = &instance.report.outcome else { return };
        let known = &self.known[instance.instance.index()];
        let columns = &self.setup.plugins[known.plugin].bound.columns;
        if let dinrail_core::outcome::Results::Health(healths) = results {
            for health in healths {
                let time_ns = instance.frame.times_ns[health.row as usize];
                let (id, label) = (instance.instance, &known.label);
                self.statistics.findings +=
                    u64::from(self.notices.health(&mut self.setup.view, id, label, health, time_ns));
            }
        }
        let dinrail_core::outcome::Results::Anomalies(anomalies) = results else { return };
        for anomaly in anomalies {
            let named: Vec<&str> = anomaly
                .contributions
                .iter()
                .map(|part| self.setup.tags.get(columns[part.column as usize].tag).name.as_str())
                .collect();
            let time_ns = instance.frame.times_ns[anomaly.row as usize];
            if let Some(judge) = &mut self.setup.detections {
                let finding = Finding {
                    plugin: &known.label,
                    alarm: anomaly.alarm,
                    uncertain: anomaly.quality == dinrail_core::tag::Quality::Uncertain,
                    named: &named,
                };
                judge.observe(dinrail_core::time::seconds_between(origin_ns, time_ns), finding);
            }
            let id = instance.instance;
            if self.notices.anomaly(&mut self.setup.view, id, &known.label, anomaly, &named, time_ns) {
                self.statistics.findings += 1;
            }
        }
    }

    fn collect(&mut self, instance: &InstanceRecord) {
        let known = &self.known[instance.instance.index()];
        if self.setup.collect == Some(known.plugin)
            && let Outcome::Answered(results) = &instance.report.outcome
        {
            self.answers.push(Answer {
                asset: known.asset.clone(),
                times_ns: instance.frame.times_ns.clone(),
                inputs: match results {
                    Results::Plan(_) | Results::Supply { .. } => super::last_row(&instance.frame),
                    _ => Vec::new(),
                },
                results: results.clone(),
            });
        }
    }

    fn judge_truth(&mut self, time_s: f64, truth: &Truth) {
        let (Some(profit), Some(optimum)) = (truth.profit, truth.optimum_profit) else { return };
        self.profit.get_or_insert_with(|| ProfitRatio::new(optimum)).observe(time_s, profit);
    }

    fn mqtt_figures(&self) -> Option<MqttFigures> {
        (!self.setup.links.is_empty()).then(|| mqtt_figures(&self.setup.links))
    }

    fn snapshot(&self, scan: &Scan, time_s: f64) -> crate::view::Snapshot {
        notice::snapshot(&notice::Standing {
            setup: &self.setup,
            statistics: &self.statistics,
            notices: &self.notices,
            scan,
            run_s: time_s,
            mqtt: self.mqtt_figures(),
            profit_ratio: self.profit.as_ref().and_then(ProfitRatio::ratio),
        })
    }

    fn finish(mut self) -> Report {
        for sink in &mut self.setup.jsonl {
            if sink.flush().is_err() {
                self.statistics.sink_errors += 1;
            }
            self.statistics.sink_errors += sink.counts().lost;
        }
        if let Some(flight) = self.flight.take() {
            let (figures, lines) = flight.finish();
            self.statistics.recorder = Some(figures);
            for line in lines {
                self.notices.controller(&mut self.setup.view, self.last_ns, &line);
            }
        }
        let run_s = dinrail_core::time::seconds_between(self.origin_ns.unwrap_or(0), self.last_ns);
        let detections = self.setup.detections.as_ref().map(|judge| {
            let found = judge.detections(run_s).into_iter().map(|detection| DetectionSummary {
                fault: detection.fault,
                injected_at: detection.injected_at_s,
                delay_s: detection.delay_s,
            });
            (found.collect(), judge.false_episodes())
        });
        let collected = self.setup.collect.and_then(|plugin| self.setup.plugins.get(plugin));
        let columns = collected.map_or_else(Vec::new, |plugin| {
            plugin.bound.columns.iter().map(|column| self.setup.tags.get(column.tag).name.clone()).collect()
        });
        let reactor = self
            .profit
            .as_ref()
            .map(|profit| ReactorSummary { profit_ratio: profit.ratio(), profit_ratio_at_start: profit.first_ratio() });
        Report {
            statistics: self.statistics,
            detections,
            answers: self.answers,
            columns,
            quantiles: collected.map_or_else(Vec::new, |plugin| plugin.description.quantiles.clone()),
            conditions: self.conditions,
            economy: self.economy,
            own_outputs: collected.map_or_else(Vec::new, |plugin| plugin.output_ids()),
            commands: self.commands,
            item_judgements: self.item_judgements,
            watched: self
                .setup
                .watch
                .iter()
                .map(|tag| self.setup.tags.get(*tag).name.clone())
                .zip(self.watched)
                .collect(),
            travel: self.moved.iter().map(|(_, moved)| *moved).collect(),
            reactor,
            profit_rose: self.profit.as_ref().map(ProfitRatio::rose),
            run_s,
            view: self.setup.view,
        }
    }
}
