//! Which bracket of a TOML text is still open somewhere: what a parser stumbles over often began lines before.

/// The bracket or brace that was opened last before the byte `until` and not closed by then, with its byte.
///
/// Texts and comments are passed over. A bracket that closes another kind than was opened closes nothing.
pub(super) fn open_before(text: &str, until: usize) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut at = 0;
    while at < until.min(bytes.len()) {
        let rest = &bytes[at..];
        at += match rest {
            [b'#', ..] => until_line_end(rest),
            [b'"', b'"', b'"', ..] => quoted(rest, b"\"\"\"", true),
            [b'\'', b'\'', b'\'', ..] => quoted(rest, b"'''", false),
            [b'"', ..] => quoted(rest, b"\"", true),
            [b'\'', ..] => quoted(rest, b"'", false),
            [opening @ (b'[' | b'{'), ..] => {
                open.push((at, char::from(*opening)));
                1
            }
            [closing @ (b']' | b'}'), ..] => {
                let opening = if *closing == b']' { '[' } else { '{' };
                if open.last().is_some_and(|(_, last)| *last == opening) {
                    open.pop();
                }
                1
            }
            _ => 1,
        };
    }
    open.pop()
}

fn until_line_end(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// Length of a text with its quotes; one in single quotes ends with its line at the latest.
fn quoted(rest: &[u8], quote: &[u8], escapes: bool) -> usize {
    let mut at = quote.len();
    while at < rest.len() {
        if rest[at..].starts_with(quote) {
            return at + quote.len();
        }
        if quote.len() == 1 && rest[at] == b'\n' {
            return at;
        }
        at += if escapes && rest[at] == b'\\' { 2 } else { 1 };
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `§` marks the bracket that should be found.
    fn check(marked: &str) {
        let text = marked.replace('§', "");
        assert_eq!(open_before(&text, text.len()).map(|(at, _)| at), marked.find('§'), "{text}");
    }

    #[test]
    fn the_last_bracket_that_is_open_is_found() {
        check("a = [1, 2]\n[b]\nc = { d = [\"]\"] }\n");
        check("a = §[1,\n2\nb = 3\n");
        check("inputs = { signals = §[\n  \"a\", # ]\n  ']',\n}\n");
        check("a = \"[\"\nb = '{'\nc = \"\"\"[\n[\"\"\"\nd = '''[\n'''\n");
        check("a = \"\\\"[\"\nb = §{ c = 1\n");
        check("a = \"not closed [\nb = §[1\n");
    }
}
