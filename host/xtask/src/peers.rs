//! Programs that the tests talk to and that are not ours.

use anyhow::Result;

use crate::workspace::{Workspace, apt_install, find_program, may_install};

/// A program, and the Debian package it comes in.
const PEERS: [(&str, &str); 3] =
    [("mosquitto", "mosquitto"), ("mosquitto_pub", "mosquitto-clients"), ("mosquitto_sub", "mosquitto-clients")];

/// Installs what is missing where that may be done, and gives the names of the programs that still are.
pub(crate) fn provide(workspace: &Workspace) -> Result<Vec<&'static str>> {
    let missing = || PEERS.into_iter().filter(|(program, _)| find_program(program).is_none());
    let mut packages: Vec<&str> = missing().map(|(_, package)| package).collect();
    packages.dedup();
    if !packages.is_empty() && may_install() {
        workspace.step(&format!("apt-get install {}", packages.join(" ")));
        if let Err(error) = apt_install(&packages) {
            eprintln!("warning: {error:#}");
        }
    }
    Ok(missing().map(|(program, _)| program).collect())
}
