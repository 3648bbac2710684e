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
        seen("pump1.current", "good") && seen("pump1.current", "bad") && seen("pump1.pressure", "good")
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
