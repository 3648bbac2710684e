#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::wire::{EntryWire, encode};
use super::*;
use dinrail_core::description::{Bindings, ParameterValue};
use dinrail_core::flight::{RecordedCall, RecordedItem, RecordedPicture};
use dinrail_core::frame::{Block, Frame};
use dinrail_core::guard::Mode;
use dinrail_core::inference::{InferenceEntry, InferenceError, Tensor};
use dinrail_core::outcome::{Anomaly, CallReport, Fault, Outcome, OutputState, Results, Severity};
use dinrail_core::outlook::{Outlook, Series};
use dinrail_core::reading::Waveform;
use dinrail_core::tag::Quality;
use proptest::prelude::*;
use std::sync::Arc;

fn manifest() -> Manifest {
    let plugin = PluginManifest {
        name: "watch".into(),
        component: "anomaly-detection".into(),
        version: "0.1.0".into(),
        sha256: crate::digest::hexadecimal(&<sha2::Sha256 as sha2::Digest>::digest(b"wasm")),
        included: true,
        world: "anomaly-detection".into(),
        limits: "compiled".into(),
        background: false,
        saves: true,
        models: vec![],
        redacted: vec![],
        instances: vec![None],
    };
    Manifest {
        format: FORMAT,
        dinrail: "0.1.0".into(),
        time_zone_database: "2026a".into(),
        site: "line-3".into(),
        kind: "trap".into(),
        why: "watch: the plugin trapped".into(),
        time_ns: 7,
        time: "1970-01-01T00:00:00Z".into(),
        scan: 3,
        redacted: vec![],
        images: false,
        configuration: String::new(),
        plugins: vec![plugin],
    }
}

/// A call with something of everything; its numbers are the seeds of proptest.
fn call(values: &[f64], samples: &[f32], mode: Mode) -> RecordedCall {
    let waveform = Waveform { time_ns: -1, rate_hz: 1e4, samples: samples.to_vec() };
    let frame = Frame {
        scan: 9,
        time_ns: 10,
        times_ns: (0..values.len() as i64).collect(),
        first_new: 0,
        columns: 1,
        values: values.to_vec(),
        quality: vec![3; values.len()],
        blocks: vec![Block { column: 0, waveform: Arc::new(waveform) }],
    };
    let number = values.first().copied();
    let output = OutputState {
        applied: number,
        readback: None,
        mode,
        limited_low: true,
        limited_high: false,
        blocked: true,
        initialise: false,
    };
    let series = Series {
        name: "price".into(),
        unit: "1".into(),
        start_ns: i64::MIN,
        step_ns: u64::MAX,
        values: values.to_vec(),
        known_at_ns: 1,
    };
    let pictures = vec![
        RecordedPicture { width: 2, height: 1, channels: 1, pixels: None },
        RecordedPicture { width: 1, height: 1, channels: 3, pixels: Some(Arc::from([1, 2, 3])) },
    ];
    let item = RecordedItem { id: u64::MAX, trigger_ns: 0, encoder: -5, measures: values.to_vec(), pictures };
    let tensor = Tensor::new(vec![samples.len() as u32], Arc::from(samples)).unwrap();
    let inference = |outputs| InferenceEntry { model: Arc::from("channel"), outside: true, outputs, duration_ns: 1 };
    let anomaly = Anomaly {
        row: 0,
        quality: Quality::Uncertain,
        score: number.unwrap_or(0.5),
        alarm: true,
        severity: Severity::Alarm,
        contributions: vec![],
    };
    let report = CallReport {
        outcome: Outcome::Answered(Results::Anomalies(vec![anomaly])),
        inferences: vec![inference(Ok(vec![tensor])), inference(Err(InferenceError::Deadline))],
        duration_ns: 5,
    };
    RecordedCall {
        time_ns: 11,
        frame: Arc::new(frame),
        outputs: vec![output],
        outlook: Arc::new(Outlook { series: vec![series] }),
        items: vec![item],
        report: Arc::new(report),
        missed: false,
    }
}

fn packed(entries: &[EntryWire]) -> Vec<u8> {
    let mut writer = IncidentWriter::new(Vec::new(), 1);
    writer.component("watch", b"wasm").unwrap();
    let parameters = [("warmup".to_owned(), ParameterValue::Number(0.1))];
    writer.binding("watch", &BindingWire::of(&Bindings::default(), &parameters), &[]).unwrap();
    for entry in entries {
        writer.entry("watch", 0, entry).unwrap();
    }
    let (bytes, counted) = writer.finish(Some(&manifest())).unwrap();
    assert_eq!(bytes.len() as u64, counted);
    bytes
}

fn sample() -> Vec<u8> {
    let wire = CallWire::from(&call(&[1.0, f64::NAN], &[0.5], Mode::Auto));
    packed(&[EntryWire::Start, EntryWire::Call(Box::new(wire)), EntryWire::State { version: 2, bytes: vec![7; 9] }])
}

/// Everything that can be asked of an incident, as a replay asks it.
fn exhaust(bytes: &[u8]) -> Result<usize, IncidentError> {
    let incident = read(bytes)?;
    let mut entries = 0;
    let plugins: Vec<String> = incident.manifest.plugins.iter().map(|plugin| plugin.name.clone()).collect();
    for plugin in plugins {
        incident.component(&plugin)?;
        let _parameters = incident.binding(&plugin)?.parameters();
        incident.tables(&plugin)?;
        for instance in incident.instances(&plugin) {
            for entry in incident.entries(&plugin, instance) {
                entries += 1;
                if let EntryWire::Call(call) = entry? {
                    call.frame()?;
                    call.outputs()?;
                    call.items()?;
                    for inference in &call.inferences {
                        let _refused = inference.answer()?;
                    }
                }
            }
        }
    }
    Ok(entries)
}

fn tar_of(path: &str, kind: tar::EntryType, size: u64, bytes: &[u8]) -> Vec<u8> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(packed);
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn an_incident_comes_back_as_it_was_written() {
    let bytes = sample();
    assert_eq!(exhaust(&bytes).unwrap(), 3);
    assert_eq!(read_manifest(bytes.as_slice()).unwrap(), manifest());
    let incident = read(bytes.as_slice()).unwrap();
    assert_eq!(incident.component("watch").unwrap(), Some(b"wasm".as_slice()));
    assert_eq!(incident.binding("watch").unwrap().parameters()[0].1, ParameterValue::Number(0.1));
    assert!(incident.component("other").unwrap().is_none());
    assert!(bytes == sample(), "equal calls are equal bytes");
}

#[test]
fn no_name_leads_outside_and_no_size_is_believed() {
    let regular = tar::EntryType::Regular;
    for path in ["../x", "/etc/passwd", "plugins/../x", "plugins/a/../component.wasm", "plugins//binding.bin", "x"] {
        let refused = read(tar_of(path, regular, 1, b"x").as_slice());
        assert!(matches!(refused, Err(IncidentError::Name(_))), "{path}: {refused:?}");
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::GNULongName, tar::EntryType::Directory] {
        let refused = read(tar_of("incident.json", kind, 1, b"x").as_slice());
        assert!(matches!(refused, Err(IncidentError::Name(_))), "{kind:?}: {refused:?}");
    }
    let huge = read(tar_of("plugins/a/binding.bin", regular, u64::from(u32::MAX), b"x").as_slice());
    assert!(matches!(huge, Err(IncidentError::TooLarge { .. })), "{huge:?}");
    let short = read(tar_of("plugins/a/binding.bin", regular, 4_096, b"x").as_slice());
    assert!(matches!(short, Err(IncidentError::Inconsistent(_) | IncidentError::Io(_))), "{short:?}");
}

#[test]
fn another_format_is_said_before_anything_of_it_is_read() {
    let text = br#"{"format": 2, "new": true}"#;
    let other = tar_of("incident.json", tar::EntryType::Regular, text.len() as u64, text);
    assert!(matches!(read(other.as_slice()), Err(IncidentError::Format { found: 2 })));
}

#[test]
fn what_is_redacted_is_nowhere_in_the_call() {
    let mut wire = CallWire::from(&call(&[123.25, 123.25], &[321.5], Mode::Auto));
    let redaction = Redaction { columns: vec![0], waveforms: vec![0], measures: vec![0, 1], outputs: vec![0] };
    wire.redact(&redaction);
    let frame = wire.frame().unwrap();
    assert!(frame.values.iter().all(|value| value.is_nan()) && frame.blocks[0].waveform.samples.is_empty());
    assert_eq!((wire.outputs().unwrap()[0].applied, wire.inferences.len()), (None, 0));
    assert!(wire.items().unwrap()[0].measures.iter().all(|value| value.is_nan()));
}

#[test]
fn a_picture_without_pixels_keeps_its_size() {
    let wire = CallWire::from(&call(&[1.0], &[], Mode::Auto));
    let pictures = &wire.items().unwrap()[0].pictures;
    assert_eq!((pictures[0].width(), pictures[0].pixels()), (2, [0, 0].as_slice()));
    assert_eq!(pictures[1].pixels(), [1, 2, 3]);
}

#[test]
fn only_a_cut_by_the_clock_is_one() {
    let outcome = |fault: Fault| OutcomeWire::from(&Outcome::Faulted(fault));
    assert!(outcome(Fault::Timeout { limit_ms: 5 }).is_cut());
    assert!(!outcome(Fault::Trap("unreachable".into())).is_cut());
}

proptest! {
    /// Every number comes back bit by bit, whatever it is.
    #[test]
    fn numbers_come_back_bit_by_bit(
        values in proptest::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..20),
        samples in proptest::collection::vec(any::<u32>().prop_map(f32::from_bits), 0..20),
        mode in 0_usize..4,
    ) {
        let mode = [Mode::Manual, Mode::Shadow, Mode::Advise, Mode::Auto][mode];
        let given = call(&values, &samples, mode);
        let wire = CallWire::from(&given);
        let bytes = encode(&EntryWire::Call(Box::new(wire)));
        let EntryWire::Call(back) = wire::decode::<EntryWire>(&bytes, "a call").unwrap() else { panic!("a call") };
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let frame = back.frame().unwrap();
        prop_assert_eq!(bits(&frame.values), bits(&values));
        let block = &frame.blocks[0].waveform.samples;
        prop_assert!(block.iter().zip(&samples).all(|(one, other)| one.to_bits() == other.to_bits()));
        prop_assert_eq!(bits(&back.outlook().series[0].values), bits(&values));
        prop_assert_eq!(back.outputs().unwrap()[0].mode, mode);
        prop_assert_eq!(encode(&EntryWire::Call(back)), bytes, "written again, it is the same");
    }

    /// Bytes of any kind give an error of the reader's own, or an incident; never a panic.
    #[test]
    fn mutated_incidents_are_refused_or_read(
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        cut in any::<usize>(),
    ) {
        let mut bytes = sample();
        for (at, value) in &changes {
            let length = bytes.len();
            bytes[at % length] = *value;
        }
        let _refused = exhaust(&bytes);
        bytes.truncate(cut % bytes.len());
        let _refused = exhaust(&bytes);
    }

    /// The same for what is behind the compression, where a change is not found by a checksum.
    #[test]
    fn mutated_entries_are_refused_or_read(
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        cut in any::<usize>(),
    ) {
        let wire = CallWire::from(&call(&[1.0, f64::NAN], &[0.5], Mode::Auto));
        let mut bytes = encode(&EntryWire::Call(Box::new(wire)));
        for (at, value) in &changes {
            let length = bytes.len();
            bytes[at % length] = *value;
        }
        bytes.truncate(1 + cut % bytes.len());
        if let Ok(entry) = wire::decode::<EntryWire>(&bytes, "an entry") {
            let _refused = exhaust(&packed(&[entry]));
        }
    }
}
