//! Tables that a csv source reads before its own.

use crate::config::amounts::CENTURY_NS;
use crate::config::document::Section;
use dinrail_field::source::csv::Before;

/// `after = [{ path = "january.csv" }]`; none where something is wrong.
pub(super) fn earlier(section: &Section<'_>) -> Option<Vec<Before>> {
    const EXAMPLE: &str = "after = [{ path = \"january.csv\" }]";
    let folder = section.findings().text().folder();
    let mut earlier = Some(Vec::new());
    for table in section.list("after", EXAMPLE) {
        let path = table.required_text("path", "path = \"january.csv\"");
        let transposed = table.boolean("transposed").is_some_and(|found| found.value);
        let gap = table.duration("gap", 1, CENTURY_NS).map_or(0, |gap| gap.value);
        let there = path.and_then(|path| {
            let full = folder.join(&path.value);
            let is_file = full.is_file();
            if !is_file {
                let message = format!("there is no table `{}`", full.display());
                let help = "name a file that is there; relative paths count from the folder of this file";
                table.findings().add(path.span, message, "", help);
            }
            is_file.then_some(Before { path: full, transposed, gap_ns: gap })
        });
        earlier = earlier.zip(there).map(|(mut all, one)| {
            all.push(one);
            all
        });
        table.finish();
    }
    earlier
}
