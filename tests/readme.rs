//! What the README prints is what works.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{program, succeed};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The lines of the README's shell blocks, continued lines joined.
fn commands() -> Vec<String> {
    let readme = file("README.md");
    let mut commands = Vec::new();
    for block in readme.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap().replace("\\\n", " ");
        commands.extend(
            block
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")),
        );
    }
    commands
}

#[test]
fn the_commands_of_the_binary_run_as_printed_and_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands();
    let of_binary: Vec<_> = commands
        .iter()
        .filter_map(|line| line.strip_prefix("chextransfer "))
        .collect();
    assert!(of_binary.len() >= 5, "{of_binary:?}");
    for arguments in of_binary {
        // As a shell takes it, quotes included.
        let line = format!(
            "{} {arguments}",
            program("chextransfer").get_program().display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &line]).current_dir(folder.path());
        assert!(!succeed(command).is_empty(), "{arguments}");
    }
}

/// On the user's own data the example cannot run here; that it knows every option can be seen.
#[test]
fn the_example_knows_every_option_that_is_printed_with_it() {
    let mut help = program("examples/finetune_chexpert");
    help.arg("--help");
    let help = succeed(help);
    let examples: Vec<_> = commands()
        .into_iter()
        .filter(|line| line.contains("--example finetune_chexpert"))
        .collect();
    assert!(examples.len() >= 2, "{examples:?}");
    for line in examples {
        let own = line.split(" -- ").nth(1).unwrap_or_default();
        for option in own.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{option} of `{line}`");
        }
    }
}

#[test]
fn continuous_integration_runs_the_test_command_that_is_printed() {
    let test = commands()
        .into_iter()
        .find(|line| line.starts_with("cargo test"))
        .unwrap();
    let script = file(".ci/run");
    assert!(
        script.lines().any(|line| line.trim() == test),
        "`{test}` is not in .ci/run"
    );
}
