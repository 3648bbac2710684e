#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use dinrail_core::tag::{Tag, TagTable};
use dinrail_core::unit::Unit;
use proptest::prelude::*;

const NOW: TimeNs = 1_583_748_873_000_000_000;

fn tags() -> [TagId; 2] {
    let mut table = TagTable::default();
    ["a", "b"].map(|name| table.add(Tag::new(name, Unit::parse("").unwrap())).unwrap())
}

fn plain() -> Subscription {
    let fields = vec![Field { tag: tags()[0], pointer: None, waveform: false }];
    Subscription { topic: "t".into(), asset: None, fields, time: None }
}

fn pointed(time: Option<(&str, &str)>) -> Subscription {
    let [a, b] = tags();
    let field = |tag, pointer: &str| Field { tag, pointer: Some(pointer.parse().unwrap()), waveform: false };
    let time = time
        .map(|(pointer, format)| PayloadTime { pointer: pointer.parse().unwrap(), format: format.parse().unwrap() });
    Subscription { topic: "t".into(), asset: Some("7".into()), fields: vec![field(a, "/a"), field(b, "/n/0/b")], time }
}

fn decode(subscription: &Subscription, payload: &[u8]) -> (Reading, DecodeCounts) {
    let mut counts = DecodeCounts::default();
    (subscription.decode(SourceId(1), payload, NOW, &mut counts), counts)
}

#[test]
fn a_waveform_is_a_block_with_its_rate_and_the_time_of_its_first_sample() {
    let [tag, _] = tags();
    let at = |pointer: Option<&str>, time| {
        let pointer = pointer.map(|pointer| pointer.parse().unwrap());
        Subscription { topic: "t".into(), asset: None, fields: vec![Field { tag, pointer, waveform: true }], time }
    };
    let expected = |time_ns| RawValue::Block(Arc::new(Waveform { time_ns, rate_hz: 2000.0, samples: vec![0.5, -1.0] }));
    let (reading, counts) = decode(&at(None, None), b"{\"rate_hz\": 2e3, \"samples\": [0.5, -1]}");
    assert_eq!((reading.values, counts.decoded), (vec![(tag, expected(NOW))], 1));
    let time = PayloadTime { pointer: "/at".parse().unwrap(), format: PayloadTimeFormat::UnixMs };
    let payload = format!("{{\"at\": {}, \"x\": {{\"rate_hz\": 2000, \"samples\": [0.5, -1]}}}}", NOW / 1_000_000 - 7);
    let (reading, _) = decode(&at(Some("/x"), Some(time)), payload.as_bytes());
    assert_eq!(reading.values, vec![(tag, expected(NOW / 1_000_000 * 1_000_000 - 7_000_000))]);
    for broken in [
        "12.5",
        "noise",
        "[0.5, -1]",
        "{\"samples\": [0.5]}",
        "{\"rate_hz\": 0, \"samples\": [0.5]}",
        "{\"rate_hz\": 2000, \"samples\": []}",
        "{\"rate_hz\": 2000, \"samples\": [0.5, null]}",
    ] {
        let (reading, counts) = decode(&at(None, None), broken.as_bytes());
        assert_eq!((reading.values, counts.malformed), (vec![(tag, RawValue::Missing)], 1), "{broken}");
    }
    let long = format!("{{\"rate_hz\": 2000, \"samples\": [{}1]}}", "0.25,".repeat(20_000));
    assert!(MAX_PAYLOAD_BYTES < long.len() && long.len() <= MAX_WAVEFORM_BYTES);
    let (reading, _) = decode(&at(None, None), long.as_bytes());
    assert!(matches!(&reading.values[0].1, RawValue::Block(block) if block.samples.len() == 20_001));
    assert_eq!(decode(&plain(), long.as_bytes()).1.oversize, 1, "a value's payload is bounded as before");
}

#[test]
fn plain_payloads() {
    let text = |text: &str| RawValue::Text(text.into());
    let number = RawValue::Number;
    let cases: [(&[u8], RawValue); 20] = [
        (b"23.5", number(23.5)),
        (b" 23.5\n", number(23.5)),
        (b"-1e3", number(-1000.0)),
        (b"+5", number(5.0)),
        (b".5", number(0.5)),
        (b"007", number(7.0)),
        (b"inf", number(f64::INFINITY)),
        (b"true", RawValue::Bool(true)),
        (b"false", RawValue::Bool(false)),
        (b"null", RawValue::Missing),
        (b"", RawValue::Missing),
        (b"  ", RawValue::Missing),
        (b"\"steel\"", text("steel")),
        (b"\"12\"", text("12")),
        (b"on", text("on")),
        (b"1,5", text("1,5")),
        (b"18446744073709551616", number(18_446_744_073_709_551_616.0)),
        (b"{\"a\": 1}", RawValue::Missing),
        (b"[1]", RawValue::Missing),
        (b"\xff", RawValue::Missing),
    ];
    for (payload, expected) in cases {
        let (reading, _) = decode(&plain(), payload);
        assert_eq!(reading.values[0].1, expected, "{}", String::from_utf8_lossy(payload));
        assert_eq!((reading.kind, reading.time_ns), (ReadingKind::Live, NOW));
    }
    assert!(matches!(decode(&plain(), b"NaN").0.values[0].1, RawValue::Number(number) if number.is_nan()));
}

#[test]
fn pointers_lead_into_json() {
    let (reading, counts) = decode(&pointed(None), br#"{"a": 1.5, "n": [{"b": "steel"}], "more": {}}"#);
    assert_eq!(reading.values[0].1, RawValue::Number(1.5));
    assert_eq!(reading.values[1].1, RawValue::Text("steel".into()));
    assert_eq!(reading.asset.as_deref(), Some("7"));
    assert_eq!(counts, DecodeCounts { decoded: 1, ..DecodeCounts::default() });
}

#[test]
fn what_cannot_be_decoded_is_missing_and_counted() {
    let base = DecodeCounts::default();
    let long_text = format!("{{\"a\": \"{}\", \"n\": [{{\"b\": 1}}]}}", "x".repeat(257));
    let deep = "[".repeat(10_000);
    let large = vec![b'1'; MAX_PAYLOAD_BYTES + 1];
    let missing = RawValue::Missing;
    let number = RawValue::Number(1.0);
    let cases: [(&[u8], RawValue, RawValue, DecodeCounts); 8] = [
        (b"{\"a\": 1", missing.clone(), missing.clone(), DecodeCounts { malformed: 1, ..base }),
        (b"{\"a\": NaN}", missing.clone(), missing.clone(), DecodeCounts { malformed: 1, ..base }),
        (b"\xff\xfe", missing.clone(), missing.clone(), DecodeCounts { malformed: 1, ..base }),
        (deep.as_bytes(), missing.clone(), missing.clone(), DecodeCounts { malformed: 1, ..base }),
        (b"5", missing.clone(), missing.clone(), DecodeCounts { missing_fields: 2, ..base }),
        (b"{\"a\": 1}", number.clone(), missing.clone(), DecodeCounts { missing_fields: 1, ..base }),
        (long_text.as_bytes(), missing.clone(), number, DecodeCounts { malformed: 1, ..base }),
        (&large, missing.clone(), missing, DecodeCounts { oversize: 1, ..base }),
    ];
    for (payload, a, b, expected) in cases {
        let (reading, counts) = decode(&pointed(None), payload);
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(40)]).into_owned();
        assert_eq!((&reading.values[0].1, &reading.values[1].1), (&a, &b), "{shown}");
        assert_eq!(counts, expected, "{shown}");
    }
    // One byte less is decoded.
    let mut just = vec![b' '; MAX_PAYLOAD_BYTES - 1];
    just.push(b'1');
    assert_eq!(decode(&plain(), &just).0.values[0].1, RawValue::Number(1.0));
}

#[test]
fn a_payload_may_have_its_time() {
    let cases = [
        ("rfc3339", r#""2020-03-09T11:14:30+01:00""#, Some(NOW - 3_000_000_000)),
        ("unix", "1583748870", Some(NOW - 3_000_000_000)),
        ("unix", "1583748870.5", Some(NOW - 2_500_000_000)),
        ("unix_ms", "1583748870001", Some(NOW - 2_999_000_000)),
        ("unix_ns", "1583748872999999999", Some(NOW - 1)),
        ("unix_ns", r#""1583748872999999999""#, Some(NOW - 1)),
        // Clocks differ a little. What is from the future would make all that follows look old.
        ("unix", "1583748933", Some(NOW + 60_000_000_000)),
        ("unix", "1583748934", None),
        ("unix", "1583752473", None),
        ("unix", "1583748873000", None),
        ("unix", "null", None),
        ("unix", "true", None),
        ("rfc3339", r#""yesterday""#, None),
        ("rfc3339", "5", None),
    ];
    for (format, time, expected) in cases {
        let payload = format!(r#"{{"a": 1, "n": [{{"b": 2}}], "t": {time}}}"#);
        let (reading, counts) = decode(&pointed(Some(("/t", format))), payload.as_bytes());
        assert_eq!(reading.time_ns, expected.unwrap_or(NOW), "{format} {time}");
        let value = if expected.is_some() { RawValue::Number(1.0) } else { RawValue::Missing };
        assert_eq!(reading.values[0].1, value, "{format} {time}");
        assert_eq!(counts.bad_times, u64::from(expected.is_none()), "{format} {time}");
    }
}

#[test]
fn pointers_are_checked() {
    for (text, good) in [("", true), ("/a", true), ("/a~0~1/0", true), ("a", false), ("/a~2", false), ("/a~", false)] {
        assert_eq!(text.parse::<Pointer>().is_ok(), good, "{text}");
    }
    assert!("unix_us".parse::<PayloadTimeFormat>().is_err());
}

proptest! {
    /// Any bytes give one value a field, and are counted in at least one way or decoded.
    #[test]
    fn any_bytes_give_a_reading(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        for subscription in [plain(), pointed(None), pointed(Some(("/t", "unix")))] {
            let (reading, counts) = decode(&subscription, &payload);
            prop_assert_eq!(reading.values.len(), subscription.fields.len());
            let all = counts.decoded + counts.malformed + counts.oversize + counts.missing_fields + counts.bad_times;
            prop_assert!(all >= 1);
        }
    }

    /// Any number that is published is the number that is read.
    #[test]
    fn numbers_are_exact(number in any::<f64>()) {
        prop_assert_eq!(&decode(&plain(), number.to_string().as_bytes()).0.values[0].1, &RawValue::Number(number));
        // Inside JSON the last bit may differ: the parser takes the fast way.
        let payload = serde_json::json!({"a": number, "n": [{"b": true}]}).to_string();
        let (reading, _) = decode(&pointed(None), payload.as_bytes());
        let RawValue::Number(read) = reading.values[0].1 else { panic!("{reading:?}") };
        prop_assert!((read - number).abs() <= number.abs() * 4.0 * f64::EPSILON + f64::MIN_POSITIVE, "{} {}", read, number);
    }
}
