//! What the program was built from: the commit, where the sources are a checkout, and the lock file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let root = folder("CARGO_MANIFEST_DIR").join("../..");
    if let Some(commit) = commit(&root) {
        println!("cargo::rustc-env=CHEXTRANSFER_COMMIT={commit}");
    }

    let lock = root.join("Cargo.lock");
    let lock = match lock.is_file() && is_workspace(&root) {
        true => {
            println!("cargo::rerun-if-changed={}", lock.display());
            format!("Some(include_bytes!({:?}))", lock.canonicalize()?)
        }
        false => "None".to_owned(),
    };
    let constant = format!("const LOCK_FILE: Option<&[u8]> = {lock};\n");
    fs::write(folder("OUT_DIR").join("lock_file.rs"), constant)
}

/// The commit that is checked out, if the repository is this project's and not one that it was copied into.
fn commit(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let top = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != root.canonicalize().ok()? || !is_workspace(root) {
        return None;
    }
    // These two change with every commit and checkout. A file that is not there would have this script run each time.
    for name in ["HEAD", "logs/HEAD"] {
        let file = root.join(git(&["rev-parse", "--git-path", name])?);
        if file.exists() {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }
    git(&["rev-parse", "HEAD"])
}

/// In a registry's folder of sources, `../..` is another place.
fn is_workspace(root: &Path) -> bool {
    root.join("crates/chextransfer-train/build.rs").is_file()
}
