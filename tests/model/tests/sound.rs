//! The protocol as it is: no invariant breaks, and the model does get everywhere.

use model::{explore, plan};

#[test]
fn no_interleaving_breaks_an_invariant() {
    let report = explore(&plan::small(), None, None);
    if let Some(counterexample) = &report.counterexample {
        panic!("{counterexample}");
    }
    assert!(report.states >= 100_000, "{} states", report.states);
    assert_eq!(report.reached.cases_missed(), []);
    assert_eq!(report.reached.answers_missed(), []);
}
