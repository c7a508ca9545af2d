//! The forms that releases wrote: `tests/forms/KIND/FORM.jsonl` has a value of that form in each line. CONTRIBUTING.md has the rule.

use super::Form;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The lines of each form of this kind. There is a file for each form that is read, and what is written now is in the file of
/// its form.
pub fn held(kind: &str, forms: Form, written: &[String]) -> BTreeMap<u64, Vec<String>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory.join(kind)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
        assert!(!lines.is_empty(), "{} is empty", path.display());
        files.insert(name.parse().unwrap(), lines);
    }
    let numbers: Vec<u64> = files.keys().copied().collect();
    let all: Vec<u64> = (1..=forms.read).collect();
    assert_eq!(numbers, all, "each form of {kind} has its file");
    assert_eq!(
        files[&forms.written], written,
        "{kind} is written in another way than form {}: give it a new number and a new file",
        forms.written
    );
    files
}
