#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use proptest::prelude::*;
use tempfile::TempDir;

const TIME: &str = "2026-03-02T06:00:00Z";

fn folder() -> (TempDir, Dir) {
    let folder = tempfile::tempdir().unwrap();
    let directory = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
    (folder, directory)
}

fn deed(number: usize) -> Deed {
    Deed {
        time: TIME.to_owned(),
        user: "ada".to_owned(),
        op: "mode".to_owned(),
        subject: format!("output-{number}"),
        outcome: if number.is_multiple_of(3) { "refused" } else { "done" }.to_owned(),
        before: "auto".to_owned(),
        after: "manual \u{2192} \"quoted\"\n".to_owned(),
        text: "what was answered".to_owned(),
    }
}

/// A log of the site `line-3` with its beginning and so many entries more, in files of that size.
fn written(directory: &Dir, entries: usize, max_file_bytes: u64) -> Hash {
    let (mut log, _) = AuditLog::open_with(directory, "line-3", TIME, max_file_bytes).unwrap();
    (0..entries).for_each(|number| _ = log.append(&deed(number)).unwrap());
    log.head()
}

fn lines(directory: &Dir, file: &str) -> Vec<String> {
    directory.read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn put(directory: &Dir, file: &str, lines: &[String]) {
    directory.write(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

fn broken(directory: &Dir) -> String {
    verify(directory, None).unwrap().unwrap_err().to_string()
}

#[test]
fn what_is_written_holds_and_goes_on_after_a_restart() {
    let (_folder, directory) = folder();
    let head = written(&directory, 3, MAX_FILE_BYTES);
    let verified = verify(&directory, Some(head)).unwrap().unwrap();
    assert_eq!((verified.entries, verified.files, verified.site.as_str()), (4, 1, "line-3"));
    assert_eq!((verified.head, verified.has_given), (head, Some(true)));
    let (mut log, opened) = AuditLog::open(&directory, "line-3", TIME).unwrap();
    assert_eq!(opened, Opened { entries: 4, head, cut_bytes: 0 });
    let later = log.append(&deed(9)).unwrap();
    let verified = verify(&directory, Some(head)).unwrap().unwrap();
    assert_eq!((verified.entries, verified.head, verified.has_given), (5, later, Some(true)), "the log went on since");
    let (last, left_out) = read(&directory, 2).unwrap();
    assert_eq!((last.len(), left_out, &last[1].deed), (2, 0, &deed(9)));
    assert_eq!((last[0].n, last[1].n, last[1].hash), (3, 4, later));
}

#[test]
fn the_chain_goes_on_over_files() {
    let (_folder, directory) = folder();
    let head = written(&directory, 20, 1_000);
    let files = set_aside(&directory).unwrap().len();
    assert!(files > 3, "{files}");
    let verified = verify(&directory, None).unwrap().unwrap();
    assert_eq!((verified.entries, verified.files, verified.head), (21, files + 1, head));
    assert_eq!(read(&directory, 100).unwrap().0.len(), 21);
    // A power cut after the renaming: the current file is not there yet.
    directory.rename(CURRENT_FILE, &directory, aside(files as u32 + 1)).unwrap();
    let (log, opened) = AuditLog::open_with(&directory, "line-3", TIME, 1_000).unwrap();
    assert_eq!((opened.entries, log.head()), (21, head));
    written(&directory, 5, 1_000);
    assert_eq!(verify(&directory, None).unwrap().unwrap().entries, 26);
    // A whole file that is missing is a gap like any other.
    directory.remove_file(aside(2)).unwrap();
    assert!(broken(&directory).contains("audit-000003.jsonl, line 1") && broken(&directory).contains("missing"));
}

#[test]
fn each_kind_of_break_is_named_with_its_line() {
    let check = |change: &dyn Fn(&mut Vec<String>), expected: &str| {
        let (_folder, directory) = folder();
        written(&directory, 5, MAX_FILE_BYTES);
        let mut text = lines(&directory, CURRENT_FILE);
        change(&mut text);
        put(&directory, CURRENT_FILE, &text);
        let said = broken(&directory);
        assert!(said.contains(expected), "{expected}: {said}");
    };
    check(&|lines| lines[2] = lines[2].replace("ada", "eve"), "audit.jsonl, line 3: entry 2 was changed");
    check(
        &|lines| drop(lines.remove(2)),
        "line 3: entry 2 should stand here, and entry 3 does: what was between is missing",
    );
    check(&|lines| lines.swap(2, 3), "line 3: entry 2 should stand here, and entry 3 does");
    check(
        &|lines| lines.insert(3, lines[1].clone()),
        "line 4: entry 3 should stand here, and entry 1 does: lines changed",
    );
    check(&|lines| drop(lines.remove(0)), "line 1: the log does not begin here: entry 1");
    check(&|lines| lines[4].clear(), "line 5: it is no entry");
    check(&|lines| lines[0] = lines[0].replace("line-3", "line-4"), "line 1: entry 0 was changed");
    check(&|lines| lines[1] = " ".repeat(MAX_LINE_BYTES + 5), "line 2: it is longer than");
    check(&|lines| lines[1] = lines[1].replace("\"}", "\" }"), "line 2: it does not end with its hash");
}

#[test]
fn a_cut_end_shows_only_against_a_hash_kept_elsewhere() {
    let (_folder, directory) = folder();
    let head = written(&directory, 5, MAX_FILE_BYTES);
    let mut text = lines(&directory, CURRENT_FILE);
    text.truncate(4);
    put(&directory, CURRENT_FILE, &text);
    assert_eq!(verify(&directory, None).unwrap().unwrap().entries, 4, "nothing in the files shows it");
    assert_eq!(verify(&directory, Some(head)).unwrap().unwrap().has_given, Some(false));
}

#[test]
fn a_line_that_a_power_cut_tore_is_cut_off_and_said() {
    for torn in 1..60 {
        let (_folder, directory) = folder();
        written(&directory, 3, MAX_FILE_BYTES);
        let whole = directory.read(CURRENT_FILE).unwrap();
        let (line, _) = chain::seal(4, &deed(3), Hash::genesis("")).unwrap();
        directory.write(CURRENT_FILE, [&whole[..], &line[..torn]].concat()).unwrap();
        assert!(broken(&directory).contains("line 5: the line has no end"));
        let (_, opened) = AuditLog::open(&directory, "line-3", TIME).unwrap();
        assert_eq!((opened.cut_bytes, opened.entries), (torn as u64, 5));
        assert_eq!(verify(&directory, None).unwrap().unwrap().entries, 5);
        let (last, _) = read(&directory, 1).unwrap();
        assert_eq!((last[0].deed.op.as_str(), last[0].deed.user.as_str()), ("mend", "dinrail"));
        assert!(last[0].deed.text.starts_with(&format!("{torn} bytes")));
    }
}

#[test]
fn a_torn_first_line_begins_anew_and_a_foreign_last_line_is_not_gone_on_with() {
    let (_folder, directory) = folder();
    directory.write(CURRENT_FILE, "{\"n\":0,\"ti").unwrap();
    let (_, opened) = AuditLog::open(&directory, "line-3", TIME).unwrap();
    assert_eq!((opened.entries, opened.cut_bytes), (2, 10));
    assert!(verify(&directory, None).unwrap().is_ok());
    directory.write(CURRENT_FILE, "{}\n").unwrap();
    let error = AuditLog::open(&directory, "line-3", TIME).unwrap_err();
    assert!(matches!(error, AuditError::Foreign { .. }), "{error}");
    assert_eq!(directory.read_to_string(CURRENT_FILE).unwrap(), "{}\n", "it is left as it is");
}

#[test]
fn an_entry_that_is_too_long_is_refused_and_the_next_one_is_not() {
    let (_folder, directory) = folder();
    let (mut log, _) = AuditLog::open(&directory, "line-3", TIME).unwrap();
    let long = Deed { text: "x".repeat(MAX_LINE_BYTES), ..deed(0) };
    assert!(matches!(log.append(&long), Err(AuditError::TooLong)));
    log.append(&deed(1)).unwrap();
    assert_eq!(verify(&directory, None).unwrap().unwrap().entries, 2);
}

#[test]
fn an_empty_folder_has_no_entries_and_is_whole() {
    let (_folder, directory) = folder();
    let verified = verify(&directory, None).unwrap().unwrap();
    assert_eq!((verified.entries, verified.files), (0, 0));
    assert_eq!(read(&directory, 5).unwrap(), (Vec::new(), 0));
}

/// Every byte of a log, changed in every of its eight bits.
#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (_folder, directory) = folder();
    written(&directory, 2, MAX_FILE_BYTES);
    let whole = directory.read(CURRENT_FILE).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut text = whole.clone();
            text[at] ^= 1 << bit;
            directory.write(CURRENT_FILE, &text).unwrap();
            assert!(verify(&directory, None).unwrap().is_err(), "byte {at}, bit {bit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever operators' words are, what was written is read back; one byte that becomes another is found, and so are a
    /// line that is gone, unless it is the last, and two that changed places.
    #[test]
    fn any_single_change_is_found(
        texts in proptest::collection::vec(".{0,40}", 2..6), at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let (_folder, directory) = folder();
        let (mut log, _) = AuditLog::open_with(&directory, "line-3", TIME, 600).unwrap();
        for text in &texts {
            log.append(&Deed { text: text.clone(), user: text.clone(), ..deed(0) }).unwrap();
        }
        prop_assert!(verify(&directory, Some(log.head())).unwrap().unwrap().has_given == Some(true));
        let (entries, left_out) = read(&directory, 100).unwrap();
        prop_assert_eq!(left_out, 0);
        let read_back: Vec<_> = entries.iter().skip(1).map(|entry| entry.deed.text.clone()).collect();
        prop_assert_eq!(&read_back, &texts);
        let mut files: Vec<String> = set_aside(&directory).unwrap().into_iter().map(aside).collect();
        files.push(CURRENT_FILE.to_owned());
        let total: usize = files.iter().map(|file| directory.read(file).unwrap().len()).sum();
        let mut place = at.index(total);
        for file in &files {
            let mut text = directory.read(file).unwrap();
            if place < text.len() {
                prop_assume!(text[place] != to);
                text[place] = to;
                directory.write(file, &text).unwrap();
                break;
            }
            place -= text.len();
        }
        prop_assert!(verify(&directory, None).unwrap().is_err());
    }
}
