//! A real broker and its real clients.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::Site;
use dinrail_tests::environment;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn broker(mosquitto: &Path, folder: &Path, port: u16) -> Running {
    let configuration = folder.join("mosquitto.conf");
    std::fs::write(&configuration, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
    let child = Command::new(mosquitto)
        .arg("-c")
        .arg(&configuration)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "mosquitto does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

/// Lines that a subscriber prints, `TOPIC PAYLOAD` each.
fn subscribe(program: &Path, port: u16, topic: &str) -> (Running, std::sync::mpsc::Receiver<String>) {
    let mut child = Command::new(program)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", topic, "-v", "-V", "5"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (Running(child), receiver)
}

#[test]
fn mosquitto_publishes_values_and_gets_results() {
    let (Some(mosquitto), Some(publish), Some(listen)) =
        (environment::peer("mosquitto"), environment::peer("mosquitto_pub"), environment::peer("mosquitto_sub"))
    else {
        return;
    };
    let port = free_port();
    let site = Site::new(&format!(
        r#"
[site]
name = "bench"

[scan]
period = "50ms"

[sources.plc1]
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
client_id = "dinrail-peer-test"

[tags."pump1.current"]
source = "plc1"
topic = "plant/pump1"
pointer = "/current"
unit = "A"
range = [0, 40]
stale_after = "60s"

[tags."pump1.pressure"]
source = "plc1"
topic = "plant/pressure"
unit = "bar"
range = [0, 10]
stale_after = "60s"

[plugins.watch]
component = "anomaly-detection.wasm"
inputs = {{ signals = ["pump1.*"] }}
models = {{ channel = "channel-autoencoder" }}

[tags."watch.score"]

[sinks.broker]
kind = "mqtt"
source = "plc1"
topic = "dinrail/{{site}}/{{plugin}}/{{kind}}"
"#
    ));
    let _broker = broker(&mosquitto, site.path("").as_path(), port);
    let (_subscriber, lines) = subscribe(&listen, port, "dinrail/#");
    let mut controller = site.command("run");
    controller.args(["--quiet", "--json"]).stdout(Stdio::piped());
    let mut controller = Running(controller.spawn().unwrap());

    let send = |topic: &str, payload: &str| {
        let port = port.to_string();
        let status = Command::new(&publish)
            .args(["-h", "127.0.0.1", "-p", &port, "-V", "5", "-q", "1", "-t", topic, "-m", payload])
            .status()
            .unwrap();
        assert!(status.success());
    };
    let mut values: Vec<Value> = Vec::new();
    let mut anomalies = 0;
    let mut online = false;
    let until = Instant::now() + Duration::from_secs(60);
    let mut sent = 0;
    let is_seen = |values: &[Value]| {
        let seen =
            |tag: &str, quality: &str| values.iter().any(|value| value["tag"] == tag && value["quality"] == quality);
        let derived = values.iter().any(|value| value["tag"] == "watch.score" && value["value"].is_number());
        derived && seen("pump1.current", "good") && seen("pump1.current", "bad") && seen("pump1.pressure", "good")
    };
    while !(is_seen(&values) && anomalies > 0 && online) {
        assert!(Instant::now() < until, "online {online}, {anomalies} anomalies, values {values:?}");
        sent += 1;
        send("plant/pump1", &format!("{{\"current\": {}}}", if sent % 5 == 0 { 4_000 } else { 12 + sent % 2 }));
        send("plant/pressure", "2.5");
        // Results come with every scan, so there is no end of lines to wait for.
        let slice = Instant::now() + Duration::from_millis(200);
        while let Ok(line) = lines.recv_timeout(slice.saturating_duration_since(Instant::now())) {
            let (topic, payload) = line.split_once(' ').unwrap();
            match topic {
                "dinrail/bench/status" => online |= payload == "online",
                "dinrail/bench/watch/anomaly" => {
                    let anomaly: Value = serde_json::from_str(payload).unwrap();
                    assert_eq!(anomaly["plugin"], "watch");
                    assert!(anomaly["time"].as_str().unwrap().ends_with('Z'), "{anomaly}");
                    anomalies += 1;
                }
                _ if topic.starts_with("dinrail/bench/value/") => {
                    values.push(serde_json::from_str(payload).unwrap());
                }
                _ => {}
            }
        }
    }
    let good = values.iter().find(|value| value["tag"] == "pump1.current" && value["quality"] == "good").unwrap();
    assert_eq!(good["unit"], "A");
    // Past its range: bad, and never shown as a number.
    let bad = values.iter().find(|value| value["tag"] == "pump1.current" && value["quality"] == "bad").unwrap();
    assert!(bad["value"].is_null(), "{bad}");

    let stopped = Command::new("kill").args(["-TERM", &controller.0.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let mut text = String::new();
    std::io::Read::read_to_string(controller.0.stdout.as_mut().unwrap(), &mut text).unwrap();
    let summary: Value = serde_json::from_str(text.trim()).unwrap();
    assert!(controller.0.wait().unwrap().success());
    assert_eq!(summary["mqtt"]["published"], summary["mqtt"]["acked"], "{summary}");
    assert!(summary["samples"]["bad"].as_u64().unwrap() > 0, "{summary}");
}

/// `dinrail sim`: its signals are on the broker, and a number or a controller's command sets an actuator.
#[test]
fn a_plant_alone_speaks_and_obeys() {
    let (Some(mosquitto), Some(publish), Some(listen)) =
        (environment::peer("mosquitto"), environment::peer("mosquitto_pub"), environment::peer("mosquitto_sub"))
    else {
        return;
    };
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let _broker = broker(&mosquitto, folder.path(), port);
    let (_subscriber, lines) = subscribe(&listen, port, "plant/#");
    let mut plant = Command::new(environment::dinrail());
    plant.args(["sim", "reactor", "--topic", "plant", "--every", "200ms", "--speed", "10", "--mqtt"]);
    plant.arg(format!("mqtt://127.0.0.1:{port}")).args(["--set", "reactor.temp_sp=75"]);
    let _plant = Running(plant.stderr(Stdio::null()).spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(60);
    // The setpoint's readback, once it is near.
    let wait_for = |wanted: f64| loop {
        let line = lines.recv_timeout(until.saturating_duration_since(Instant::now())).expect("no such readback");
        let (topic, payload) = line.split_once(' ').unwrap();
        if topic == "plant/reactor.temp_sp_readback" {
            let value: Value = serde_json::from_str(payload).unwrap();
            assert!(value["unit"] == "Cel" && value["time"].as_str().unwrap().ends_with('Z'), "{value}");
            if (value["value"].as_f64().unwrap() - wanted).abs() < 0.5 {
                return;
            }
        }
    };
    wait_for(75.0);
    for (payload, wanted) in [("85.5", 85.5), (r#"{"kind":"command","value":92.0,"unit":"Cel"}"#, 92.0)] {
        let status = Command::new(&publish)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-V", "5", "-q", "1"])
            .args(["-t", "plant/reactor.temp_sp/set", "-m", payload])
            .status()
            .unwrap();
        assert!(status.success());
        wait_for(wanted);
    }
}

/// A tariff over MQTT: each message is a version, the newest counts, and one that makes no sense is refused whole.
#[test]
fn a_published_tariff_reaches_the_plan_and_what_is_no_version_does_not() {
    let (Some(mosquitto), Some(publish)) = (environment::peer("mosquitto"), environment::peer("mosquitto_pub")) else {
        return;
    };
    let port = free_port();
    let site = Site::new(&format!(
        r#"
[site]
name = "tariff"

[scan]
period = "50ms"

[sources.market]
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
client_id = "dinrail-tariff-test"

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp"]
source = "plant"

[outputs."sp"]
source = "plant"
actuator = "reactor.temp_sp"
range = [70, 100]
on_stop = "hold"

[context.price]
source = "market"
topic = "market/price"
unit = "{{EUR}}/MW/h"

[plugins.plan]
component = "planner.wasm"
inputs = {{ signals = ["reactor.temp"] }}
outputs = {{ setpoint = "sp" }}
outlook = {{ ahead = "price" }}
period = "200ms"

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"
"#
    ));
    std::fs::copy(environment::guest("planner"), site.path("planner.wasm")).unwrap();
    let _broker = broker(&mosquitto, site.path("").as_path(), port);
    let log = std::fs::File::create(site.path("run.log")).unwrap();
    let _controller = Running(site.command("run").stderr(log).stdout(Stdio::null()).spawn().unwrap());
    let send = |payload: &str| {
        let status = Command::new(&publish)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-V",
                "5",
                "-q",
                "1",
                "-r",
                "-t",
                "market/price",
                "-m",
                payload,
            ])
            .status();
        assert!(status.unwrap().success());
    };
    // From 2020 in four steps of five years: the present hour lies in one of them.
    let version = |value: f64| {
        format!(r#"{{"start":"2020-01-01T00:00:00Z","step_s":157680000,"values":[{value},{value},{value},{value}]}}"#)
    };
    let plan = || {
        let text = std::fs::read_to_string(site.path("lines.jsonl")).unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.rfind(|line| line["kind"] == "plan").and_then(|plan| plan["schedule"][0]["setpoint"].as_f64())
    };
    let until = |what: &str, ready: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(60);
        while !ready() {
            assert!(Instant::now() < end, "{what}: {}", std::fs::read_to_string(site.path("run.log")).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    send(&version(81.0));
    until("the first version", &|| plan() == Some(81.0));
    send(&version(85.5));
    until("the second version", &|| plan() == Some(85.5));
    for nonsense in ["nonsense", "{}", r#"{"start":"2020-01-01T00:00:00Z","step_s":3600,"values":[1,"dear"]}"#] {
        send(nonsense);
    }
    let refused = || std::fs::read_to_string(site.path("run.log")).unwrap().matches("can't be used").count();
    until("the refusals", &|| refused() == 3);
    assert_eq!(plan(), Some(85.5), "the version before them stands");
}
