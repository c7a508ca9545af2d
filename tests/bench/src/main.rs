//! What Userpush costs: measures, compares with controls of the same run, and writes what `tests/bench/README.md` shows.

fn main() {}
