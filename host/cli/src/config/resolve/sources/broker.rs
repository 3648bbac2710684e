//! `kind = "mqtt"`.

use crate::config::document::Section;
use crate::config::types::{Login, MqttSource, Site, SourceKind};
use dinrail_field::link::BrokerAddress;

/// Bounds of what waits; beyond them a queue is a leak.
const MAX_WAITING: i64 = 10_000_000;

pub(super) fn mqtt(section: &Section<'_>, site: &Site) -> Option<SourceKind> {
    let url = section.required_text("url", "url = \"mqtt://127.0.0.1:1883\"");
    let client_id = section.text("client_id");
    if let Some(id) = client_id.as_ref().filter(|id| id.value.is_empty() || id.value.len() > 256) {
        section.findings().add(id.span.clone(), "`client_id` should have 1 to 256 bytes", "", "shorten it");
    }
    let login = login(section);
    let keep_alive = section.duration("keep_alive", 5_000_000_000, 65_535_000_000_000);
    let session_expiry = section.duration("session_expiry", 0, 4_294_967_000_000_000_000);
    let limit = |key| section.whole(key, 1, MAX_WAITING).and_then(|limit| usize::try_from(limit.value).ok());
    let (inbox_limit, outbox_limit) = (limit("inbox_limit"), limit("outbox_limit"));
    let url = url?;
    if let Err(error) = url.value.parse::<BrokerAddress>() {
        let help = "write \"mqtt://HOST\" or \"mqtt://HOST:PORT\"; `user` and `password_file` are keys of their own";
        section.findings().add(url.span, format!("`url`: {error}"), "", help);
        return None;
    }
    Some(SourceKind::Mqtt(MqttSource {
        url: url.value,
        client_id: client_id.map_or_else(|| format!("dinrail-{}-{}", site.name, section.name()), |id| id.value),
        login,
        keep_alive_ns: keep_alive.map(|found| found.value),
        session_expiry_ns: session_expiry.map(|found| found.value),
        inbox_limit,
        outbox_limit,
    }))
}

fn login(section: &Section<'_>) -> Option<Login> {
    let user = section.text("user");
    let file = section.text("password_file");
    match (user, file) {
        (None, None) => None,
        (Some(user), Some(file)) => {
            let path = section.findings().text().folder().join(&file.value);
            match std::fs::read_to_string(&path) {
                Ok(text) => Some(Login { user: user.value, password: text.trim_end().to_owned() }),
                Err(error) => {
                    let message = format!("the password file `{}` can't be read: {error}", path.display());
                    section.findings().add(file.span, message, "", "put the password alone into that file");
                    None
                }
            }
        }
        (Some(found), None) | (None, Some(found)) => {
            let help = "add `user = \"…\"` and `password_file = \"FILE\"`, or leave both out";
            section.findings().add(found.key, "`user` and `password_file` go together", "", help);
            None
        }
    }
}
