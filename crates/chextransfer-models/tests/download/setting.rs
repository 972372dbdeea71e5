//! What most tests begin with: a checkpoint of the test's own, an empty cache, other processes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chextransfer_models::weights::{Checkpoint, Located, Manifest, WeightStore, sha256_hex};
use chextransfer_models::{Error, Result};

/// Bytes that no server sends by chance.
pub(crate) fn content() -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..300_000).map(next).collect()
}

pub(crate) fn whole(content: &[u8]) -> String {
    format!("pin.sha256 = \"{}\"", sha256_hex(content))
}

pub(crate) fn prefix(content: &[u8]) -> String {
    format!("pin.sha256-prefix = \"{}\"", &sha256_hex(content)[..8])
}

pub(crate) const FIRST_USE: &str = "pin = \"first-use\"";

/// A manifest with one row.
pub(crate) fn manifest(url: &str, pin: &str) -> String {
    format!(
        r#"
[[checkpoint]]
id = "resnet18.test"
architecture = "resnet18"
dialect = "torchvision"
source = "this test"
url = "{url}"
file = "weights.bin"
{pin}
classes = 1000
parameters = 11689512
top1 = 69.758
licence = "none"
preprocessing = {{ resize = 256, crop = 224, interpolation = "bilinear", mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }}
"#
    )
}

pub(crate) fn row(url: &str, pin: &str) -> Checkpoint {
    let manifest = Manifest::parse(&manifest(url, pin)).unwrap();
    manifest.checkpoints.into_iter().next().unwrap()
}

/// An empty cache, and patience that fits a test.
pub(crate) fn empty_store() -> (tempfile::TempDir, WeightStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = store_at(&folder.path().join("cache"));
    (folder, store)
}

pub(crate) fn store_at(cache: &Path) -> WeightStore {
    let mut store = WeightStore::at(cache);
    store.transfer.connect = Duration::from_secs(5);
    store.transfer.idle = Duration::from_secs(5);
    store.transfer.pause = Duration::from_millis(5);
    store.transfer.attempts = 3;
    store
}

pub(crate) fn fetch(store: &WeightStore, row: &Checkpoint) -> Result<Located> {
    store.fetch(row, &mut |_, _| ControlFlow::Continue(()))
}

pub(crate) fn fails(store: &WeightStore, row: &Checkpoint) -> Error {
    fetch(store, row).unwrap_err()
}

pub(crate) fn assert_says(error: &Error, parts: &[&str]) {
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// Every file below a folder except locks, as paths from there.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, into),
                false => into.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    let mut found: Vec<_> = found
        .iter()
        .map(|path| path.strip_prefix(folder).unwrap())
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .filter(|path| !path.ends_with(".lock"))
        .collect();
    found.sort();
    found
}

/// The variables by which a test hands a child its task.
const TASK: [&str; 3] = ["TEST_CACHE", "TEST_URL", "TEST_PIN"];
const OUTCOME: &str = "outcome: ";

/// This test program, started by `wrapper` (a shell command that ends in `"$@"`), to do nothing but
/// fetch one row.
pub(crate) fn child(wrapper: &str, cache: &Path, url: &str, pin: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", wrapper, "sh"])
        .arg(program)
        .args(["--exact", "what_a_child_process_does", "--nocapture"])
        .env(TASK[0], cache)
        .env(TASK[1], url)
        .env(TASK[2], pin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The body of the test of that name: in a child its task, in the parent nothing.
pub(crate) fn child_task() {
    let [Ok(cache), Ok(url), Ok(pin)] = TASK.map(std::env::var) else {
        return;
    };
    let outcome = match fetch(&store_at(Path::new(&cache)), &row(&url, &pin)) {
        Ok(located) => located.to_string(),
        Err(error) => format!("error: {error}"),
    };
    eprintln!("{OUTCOME}{outcome}");
}

/// The line that a child ended with; `None` when its wrapper did not start it.
pub(crate) fn outcome(child: Child) -> Option<String> {
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = errors.lines().find_map(|line| line.strip_prefix(OUTCOME));
    if line.is_none() {
        eprintln!("the child said: {errors}");
    }
    line.map(str::to_owned)
}
