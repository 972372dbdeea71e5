//! Where the tests of the whole find data and programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with real radiographs and real weights, where this machine has it: `CHEXTRANSFER_SHARED`, or `shared`
/// beside the repository.
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("CHEXTRANSFER_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let path = folder.join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// A program that `cargo test` built: `examples/finetune_chexpert`, or `chextransfer`.
pub(crate) fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test is a file");
    let profile = test.ancestors().nth(2).expect("it lies in <profile>/deps");
    let program = profile.join(name);
    let hint = "run the whole test command, which builds examples and binaries";
    assert!(program.exists(), "{} is missing; {hint}", program.display());
    Command::new(program)
}

/// Runs a program, and returns its standard output.
pub(crate) fn succeed(mut command: Command) -> String {
    let output = command.output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}
