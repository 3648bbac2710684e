//! `[trust]`: whose bundles are installed.

use crate::config::document::Section;
use crate::config::types::Trust;
use dinrail_store::bundle::{PublicKey, TrustedKey};

const EXAMPLE: &str = "[trust.keys.acme]";
/// Largest file of a public key.
const MAX_KEY_BYTES: u64 = 16 * 1024;

pub(super) fn trust(root: &Section<'_>) -> Trust {
    let mut trust = Trust::default();
    let Some(section) = root.section("trust", "[trust]") else { return trust };
    let section = section.titled("[trust]");
    trust.unsigned = section.boolean("unsigned").is_some_and(|unsigned| unsigned.value);
    for key in section.tables("keys", EXAMPLE) {
        trust.keys.extend(trusted_key(&key));
        key.finish();
    }
    section.finish();
    trust
}

fn trusted_key(section: &Section<'_>) -> Option<TrustedKey> {
    let file = section.required_text("key", "key = \"acme.pub\"");
    let revoked = section.boolean("revoked").is_some_and(|revoked| revoked.value);
    let bundles = bundles(section);
    let file = file?;
    let path = section.findings().text().folder().join(&file.value);
    let refuse = |why: String, help: &str| {
        section.findings().add(file.span.clone(), format!("`{}`: {why}", path.display()), "", help);
        None
    };
    let read = std::fs::File::open(&path).and_then(|file| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_KEY_BYTES), &mut text)?;
        Ok(text)
    });
    let key = match read {
        Ok(text) => PublicKey::from_pem(&text),
        Err(error) => {
            return refuse(error.to_string(), "name the file of a public key, beside this file or by its whole path");
        }
    };
    match key {
        Ok(key) => Some(TrustedKey { name: section.name().to_owned(), key, bundles: bundles?, revoked }),
        Err(error) => refuse(error.to_string(), "ask the OEM for the public key that belongs to its bundles"),
    }
}

/// Names, each with at most one `*` at its end.
fn bundles(section: &Section<'_>) -> Option<Vec<String>> {
    let Some(found) = section.value("bundles") else {
        section.missing("bundles", "bundles = [\"pump-*\"]");
        return None;
    };
    let fits = |text: &str| {
        let beginning = text.strip_suffix('*').unwrap_or(text);
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !text.is_empty() && beginning.bytes().all(known)
    };
    let name = |item: &toml::Spanned<toml::de::DeValue<'_>>| {
        item.get_ref().as_str().filter(|text| fits(text)).map(str::to_owned)
    };
    let names = found.value.0.as_array().and_then(|list| list.iter().map(name).collect::<Option<Vec<_>>>());
    if names.as_ref().is_none_or(Vec::is_empty) {
        let message = "`bundles` should be a list of bundles' names, or of beginnings of them and `*`";
        section.findings().add(found.span, message, "", "write [\"pump-watch\"] or [\"pump-*\"]");
        return None;
    }
    names
}
