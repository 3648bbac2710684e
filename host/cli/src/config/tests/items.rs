//! Items, gates and pictures: what resolves, and every mistake with its place.

use super::Folder;
use crate::config::{ImageField, SourceKind, TagAddress};
use dinrail_core::guard::{Action, Fallback, Mode, OutputKind};
use dinrail_core::tag::TagKind;

const LINE: &str = r#"
[sources.plant]
kind = "sim"
plant = "line"

[sources.set]
kind = "images"
path = "pictures"
time = { period = "2s", start = "2026-03-01T06:00:00Z" }

[sources.parts]
kind = "csv"
path = "parts.csv"
time = { column = "time", format = "unix" }

[tags."line.*"]
source = "plant"

[tags.picture]
source = "set"

[tags.class]
source = "set"
signal = "label"
map = { good = 0 }

[tags.number]
source = "set"
signal = "id"

[tags.part]
source = "parts"

[tags.file]
source = "parts"
kind = "picture"
folder = "pictures"

[items.parts]
id = ["line.part", "line.camera_part"]
encoder = "line.part_encoder"
measures = ["line.length", "line.w*"]
images = ["line.pict*"]
wait = "3s"

[items.samples]
id = "number"
images = "picture"

[items.listed]
id = "part"
images = ["file"]

[plugins.watch]
component = "watch.wasm"
items = "parts"
mode = "shadow"

[outputs."line.gate"]
source = "plant"
kind = "gate"
items = "parts"
encoder = "line.encoder"
distance = 4000
window = 160
modulus = 65536
delay = "20ms"
default = "stop"
rest = "reject"
positions = { reject = 1, stop = 2 }
on_stop = "hold"
mode = "auto"
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("pictures/good/1.png", "");
    folder.write("parts.csv", "time,part,file\n1,7,a.png\n");
    folder
}

#[test]
fn items_gates_and_pictures_resolve() {
    let folder = folder();
    let config = folder.good(LINE);
    let name = |tag| config.tags.get(tag).name.as_str();
    let names = |tags: &[dinrail_core::tag::TagId]| tags.iter().map(|tag| name(*tag).to_owned()).collect::<Vec<_>>();
    let parts = &config.items[0].spec;
    assert_eq!(names(&parts.ids), ["line.part", "line.camera_part"]);
    assert_eq!(names(&parts.measures), ["line.length", "line.width"]);
    assert_eq!(names(&parts.pictures), ["line.picture"]);
    assert_eq!((parts.encoder.map(name), parts.wait_ns), (Some("line.part_encoder"), 3_000_000_000));
    assert_eq!(config.items[1].spec.wait_ns, 1_000_000_000);
    assert_eq!(config.plugins[0].items, Some(0));
    let spec = &config.outputs[0].spec;
    let gate = spec.gate.as_ref().unwrap();
    assert_eq!((gate.distance, gate.window, gate.modulus, gate.delay_ns), (4_000, 160, Some(65_536), 20_000_000));
    assert_eq!((gate.fallback, gate.rest, gate.items), (Fallback::Stop, Action::Reject, 0));
    let positions = gate.positions;
    assert_eq!((positions.pass, positions.rework, positions.reject, positions.stop), (0.0, 1.0, 1.0, Some(2.0)));
    assert_eq!((spec.kind, spec.range, spec.mode), (OutputKind::Discrete, (0.0, 2.0), Mode::Auto));
    assert_eq!((config.outputs[0].owner, spec.owner_mode), (Some(0), Mode::Shadow));
    let SourceKind::Images(set) = &config.sources[1].kind else { panic!("images") };
    assert_eq!((set.period_ns, set.start_ns), (2_000_000_000, 1_772_344_800_000_000_000));
    let find = |name: &str| config.tags.find(name).unwrap();
    assert_eq!(config.tags.get(find("picture")).kind, TagKind::Picture);
    assert_eq!(config.tag_origins[find("class").index()].address, TagAddress::Image(ImageField::Label));
    assert_eq!(config.picture_folders, [(find("file"), folder.path().join("pictures"))]);
}

/// (from, to with `§` where the complaint points, what is said)
#[test]
fn every_mistake_has_its_place() {
    let cases = [
        ("id = \"number\"", "id = §\"numbre\"", "there is no tag `numbre`"),
        ("id = \"number\"\n", "", "needs `id`"),
        ("id = \"number\"", "id = §\"picture\"", "takes a value"),
        ("images = [\"file\"]", "images = [§\"part\"]", "takes a picture"),
        ("images = [\"file\"]", "images = [§\"picture\"]", "does not come with an id"),
        ("measures = [\"line.length\"", "measures = [§\"line.speed\"", "is no event"),
        ("encoder = \"line.part_encoder\"", "encoder = §\"line.encoder\"", "is no event"),
        ("encoder = \"line.part_encoder\"\n", "", "have no `encoder`"),
        ("wait = \"3s\"", "§wiat = \"3s\"", "unknown key `wiat`"),
        ("items = \"parts\"\nmode", "items = §\"prats\"\nmode", "no items `prats`"),
        ("items = \"parts\"\nmode", "mode", "no plugin judges"),
        ("encoder = \"line.encoder\"", "encoder = §\"line.encodr\"", "there is no tag"),
        ("distance = 4000", "distance = §0", "`distance` should be a whole number"),
        ("window = 160\n", "", "needs `window`"),
        ("modulus = 65536", "modulus = §16000", "at least 16640"),
        ("default = \"stop\"", "default = §\"halt\"", "`default` can't be `halt`"),
        ("default = \"stop\"\n", "", "needs `default`"),
        ("reject = 1, stop = 2 }", "reject = 1 }", "has no `stop`"),
        ("positions = { reject = 1, stop = 2 }", "positions = { reject = 1, stop = 3 }", "goes past the actuator's"),
        ("mode = \"auto\"", "mode = §\"advise\"", "no mode `advise`"),
        ("delay = \"20ms\"", "§slew = \"1 /s\"", "unknown key `slew`"),
        ("kind = \"gate\"\n", "", "needs `range`"),
        ("path = \"pictures\"\ntime", "path = §\"pictrues\"\ntime", "there is no folder"),
        ("signal = \"id\"", "signal = §\"number\"", "no signal `number`"),
    ];
    let folder = folder();
    for (from, to, says) in cases {
        assert!(LINE.contains(from), "the case's `{from}` is not in the configuration");
        let marked = LINE.replacen(from, to, 1);
        let text = marked.replacen('§', "", 1);
        let Err(errors) = folder.parse(&text) else { panic!("{to} resolves") };
        let error = errors.iter().next().unwrap();
        assert!(error.message().contains(says), "{to}: wanted `{says}`\n{errors}");
        if let Some(at) = marked.find('§') {
            let before = &text[..at];
            let place = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
            assert_eq!(error.line_column(), place, "{to}\n{errors}");
        }
    }
}
