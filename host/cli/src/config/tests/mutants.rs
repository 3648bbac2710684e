//! Damaged configurations: each resolves, or is refused with line and column; none does anything else.

use super::{Folder, GOOD};

/// SplitMix64 (Steele, Lea, Flood 2014): enough to choose places.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What gets in where it does not belong.
const INTRUDERS: [&str; 26] = [
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\0",
    "\u{feff}",
    "ß",
    "°",
    "-",
    "0",
    "1e999",
    "nan",
    "true",
    "99999999999999999999",
    "\\u0000",
    "\"\"\"",
    "[[[[[[[[[[[[[[[[",
    "*",
    "1979-05-27",
];

/// Words that stand in the file, and so are likely to be in the wrong place.
const WORDS: [&str; 16] = [
    "\"plc1\"",
    "\"lab\"",
    "\"plant\"",
    "\"reactor.temp\"",
    "\"*\"",
    "[]",
    "{}",
    "-1",
    "0",
    "\"\"",
    "\"100ms\"",
    "\"max\"",
    "\"bar\"",
    "[1, 2, 3]",
    "{ value = 1 }",
    "\"auto\"",
];

fn mutate(text: &str, chance: &mut Chance) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = chance.below(chars.len());
    let (before, after): (String, String) = (chars[..at].iter().collect(), chars[at..].iter().collect());
    let mut lines: Vec<&str> = text.lines().collect();
    let line = chance.below(lines.len());
    match chance.below(8) {
        0 => before + &after.chars().skip(1).collect::<String>(),
        1 => before + *chance.of(&INTRUDERS) + &after,
        2 => before,
        3 => {
            lines.remove(line);
            lines.join("\n")
        }
        4 => {
            lines.insert(chance.below(lines.len()), lines[line]);
            lines.join("\n")
        }
        5 => {
            let other = chance.below(lines.len());
            lines.swap(line, other);
            lines.join("\n")
        }
        6 => {
            let key = lines[line].split('=').next().unwrap_or_default();
            let changed = format!("{key}= {}", chance.of(&WORDS));
            lines[line] = &changed;
            lines.join("\n")
        }
        _ => {
            let length = 1 + chance.below(20);
            before + &after.chars().skip(length).collect::<String>()
        }
    }
}

/// Counts of the mutants that resolved and that were refused.
fn try_mutants(seed: u64, count: usize, harm: usize) -> (usize, usize) {
    let folder = Folder::new();
    let mut chance = Chance(seed);
    let (mut resolved, mut refused) = (0, 0);
    for number in 0..count {
        let mut text = GOOD.to_owned();
        for _ in 0..=chance.below(harm) {
            text = mutate(&text, &mut chance);
            if text.is_empty() {
                break;
            }
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| folder.parse(&text)));
        let Ok(outcome) = outcome else { panic!("seed {seed}, mutant {number} panics:\n{text}") };
        let Err(errors) = outcome else {
            resolved += 1;
            continue;
        };
        refused += 1;
        let lines = text.split('\n').count();
        for error in errors.iter() {
            let (line, column) = error.line_column();
            let width = text.split('\n').nth(line - 1).map_or(0, |text| text.chars().count());
            assert!(1 <= line && line <= lines, "seed {seed}, mutant {number}: line {line} of {lines}");
            assert!(1 <= column && column <= width + 1, "seed {seed}, mutant {number}: {line}:{column}\n{errors}");
            assert!(!error.message().is_empty() && !error.help_text().is_empty(), "seed {seed}, mutant {number}");
        }
        assert!(!errors.drawn().is_empty());
    }
    (resolved, refused)
}

/// `DINRAIL_MUTANTS` asks for more than the least that counts.
fn count() -> usize {
    std::env::var("DINRAIL_MUTANTS").ok().and_then(|count| count.parse().ok()).unwrap_or(500)
}

#[test]
fn five_hundred_mutants_resolve_or_are_refused_with_line_and_column() {
    let each = count().div_ceil(4);
    let (mut resolved, mut refused) = (0, 0);
    for (seed, harm) in [(1, 1), (2, 1), (3, 4), (4, 16)] {
        let counts = try_mutants(seed, each, harm);
        assert!(counts.1 * 2 > each, "seed {seed}: mutations should do harm, {} of {each} were refused", counts.1);
        resolved += counts.0;
        refused += counts.1;
    }
    assert_eq!(resolved + refused, each * 4);
    println!("{} mutants: {resolved} resolved, {refused} refused with line and column, 0 panics", each * 4);
}
