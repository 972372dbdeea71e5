//! A study of seconds, and what it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two networks of milliseconds from a source task and from drawn weights, on shares of the patients, validated and stored
/// in the middle of epochs.
pub(crate) const TINY: &str = r#"
title = "Tiny"
networks = ["resnet18-minus3"]
truncations = { mnasnet1_0 = [4] }
fractions = [1.0, 0.5]
image_size = 32
[data.phantom]
patients = 24
side = 32
splits = [0.5, 0.2, 0.3]
[weights.source]
data.phantom = { patients = 16, side = 32, seed = 1 }
protocol = { epochs = 1 }
[bootstrap]
replicates = 20
[protocol]
epochs = 3
batch_size = 4
learning_rate = 1e-3
validate_every = "12 examples"
checkpoint_every = "8 examples"
keep_best = 2
"#;

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_chextransfer"))
}

/// `chextransfer study ...` in a folder.
pub(crate) fn study(folder: &Path, arguments: &str) -> Command {
    let mut command = program();
    command
        .arg("study")
        .args(arguments.split_whitespace())
        .current_dir(folder);
    command
}

pub(crate) fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn fail(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}");
    errors(&output)
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes a study's folder.
pub(crate) fn write(folder: &Path, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("study.toml"), text).unwrap();
}

/// Every file that two executions must agree in, with its content: all but measured speeds, claims, which are empty, and
/// what a process leaves under a hidden name that is killed while it draws phantoms or writes a table.
pub(crate) fn left_behind(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, folder, &mut files);
    assert!(!files.is_empty());
    files
}

fn collect(folder: &Path, root: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap();
        let measured = name.starts_with("speed")
            || (name.starts_with("report") && name.file_stem().is_some_and(|stem| stem == "cost"));
        let claim = name
            .extension()
            .is_some_and(|extension| extension == "claim");
        let unfinished = name.starts_with("data")
            && (name.file_name()).is_some_and(|name| {
                let name = name.to_string_lossy();
                name.starts_with(".phantom-") || name.starts_with(".tmp")
            });
        if unfinished {
            continue;
        }
        if path.is_dir() {
            collect(&path, root, files);
        } else if !measured && !claim {
            files.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn assert_same(
    found: &BTreeMap<PathBuf, Vec<u8>>,
    expected: &BTreeMap<PathBuf, Vec<u8>>,
    how: &str,
) {
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{how}");
    for (name, content) in expected {
        assert!(found[name] == *content, "{how}: {} differs", name.display());
    }
}
