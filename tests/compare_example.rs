//! The example that compares two models, on files that it makes itself.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod common;

use common::{program, succeed};

#[test]
fn the_example_prints_a_paired_table_and_leaves_its_files_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut example = program("examples/compare_models");
    example.arg(folder.path());
    let printed = succeed(example);
    for expected in [
        "A densenet121.csv, B densenet121-minus1.csv",
        "mean of 2 of 3",
        "undefined (0 positives)",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    // What it made, the program compares too, to the same table.
    let mut compare = program("chextransfer");
    compare
        .args(["compare", "densenet121.csv", "densenet121-minus1.csv"])
        .args(["--observations", "all", "--margin", "0.05"])
        .current_dir(folder.path());
    let table = succeed(compare);
    assert!(printed.starts_with(table.trim_end()), "{printed}\n{table}");
}
