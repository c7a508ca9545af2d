# The commands of this repository: `just` lists them.

_list:
    @just --list --unsorted

# serve the whole system on 127.0.0.1:3000
dev *OPTIONS:
    cargo run -p local -- {{ OPTIONS }}

# test rules, store, emulators and all stories
test:
    cargo test --workspace

# tell the stories whose names contain FILTER
scenario FILTER:
    cargo test --workspace --test black_box -- {{ FILTER }}

# check while working: format, lints, tests
fast:
    .ci/run fast

# check before a change lands: the gate
ci:
    .ci/run

# check before a release: the gate and what takes long
ci-full:
    .ci/run full

# run one suite of tests/, with its arguments: `just suite clients --write`
suite NAME *ARGUMENTS:
    tests/{{ NAME }}/run {{ ARGUMENTS }}

# measure everything that tests/bench/README.md shows, or only figures, scale, load or profile; over an hour
bench *PARTS:
    tests/bench/run {{ PARTS }}
