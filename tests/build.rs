//! Lists `plugins/guests` for `assert_every_guest_tested!`, so that a guest that no test runs fails the build.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or(io::Error::other("cargo sets CARGO_MANIFEST_DIR"))?;
    let guests = Path::new(&here).join("../plugins/guests");
    println!("cargo::rerun-if-changed={}", guests.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&guests)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().replace('-', "_"));
        }
    }
    names.sort();
    let out = env::var_os("OUT_DIR").ok_or(io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("guests.rs"), source(&names))
}

/// The macro, and the guests' names as directories have them.
fn source(names: &[String]) -> String {
    let uses: String = names.iter().map(|name| format!("                use super::r#{name} as _;\n")).collect();
    let list: String = names.iter().map(|name| format!("{:?}, ", name.replace('_', "-"))).collect();
    format!(
        r#"
/// Fails to compile where `plugins/guests` has a guest and the file that calls this has no function of its name: the
/// guest `bad-row` needs a test `bad_row`, the guest `loop` a test `r#loop`.
#[macro_export]
macro_rules! assert_every_guest_tested {{
    () => {{
        mod every_guest_has_a_test {{
{uses}        }}
    }};
}}

/// Every guest's name, as its directory and its component have it.
pub const GUESTS: &[&str] = &[{list}];
"#
    )
}
