//! `chextransfer weights`, from the outside, against a server on loopback.
#![cfg(feature = "download")]
#![allow(clippy::unwrap_used)]

// The server answers the tests of the library as well, which need more of it.
#[allow(dead_code)]
#[path = "../../chextransfer-models/tests/download/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

use chextransfer_models::weights::sha256_hex;
use server::{Server, respond};

/// A row of the carried manifest whose content nothing is known of.
const FIRST_USE: &str = "inception_v4.tf_in1k";

struct Setting {
    folder: tempfile::TempDir,
    server: Server,
}

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Setting {
    /// No caches but empty ones, and a hub that serves `weights` for every file.
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(|_, _, stream| respond(stream, "200 OK", "", b"weights")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &str) -> Ended {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_chextransfer"))
            .arg("weights")
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .env_remove("HF_HUB_CACHE")
            .env_remove("HF_HUB_OFFLINE")
            .env_remove("HF_TOKEN")
            .env("CHEXTRANSFER_WEIGHTS", self.path("cache"))
            .env("HF_HOME", self.path("hf"))
            .env("TORCH_HOME", self.path("torch"))
            .env("HF_ENDPOINT", self.server.url(""))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn succeeds(&self, arguments: &str) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments}: {}", ended.stderr);
        ended
    }

    fn fails(&self, arguments: &str, says: &[&str]) {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 1, "{arguments}: {}", ended.stdout);
        let told = ended.stdout + &ended.stderr;
        for part in says {
            assert!(
                told.contains(part),
                "{arguments}: `{part}` is not in {told}"
            );
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn the_list_tells_what_is_known_and_what_is_cached() {
    let setting = Setting::new();
    let bare = setting.succeeds("").stdout;
    assert_eq!(setting.succeeds("list").stdout, bare);
    let line = |text: &str, id: &str| {
        let found = text.lines().find(|line| line.starts_with(id));
        found
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let before = line(&bare, FIRST_USE);
    assert_eq!(
        before,
        "inception_v4.tf_in1k inception_v4 42679816 80.14 Apache-2.0 first-use no"
    );
    setting.succeeds(&format!("fetch {FIRST_USE}"));
    let after = line(&setting.succeeds("").stdout, FIRST_USE);
    assert_eq!(after, before.replace(" no", " yes"));

    for arguments in [
        "--architecture inception_v4 --json",
        "list --architecture inception_v4 --json",
    ] {
        let rows: serde_json::Value =
            serde_json::from_str(&setting.succeeds(arguments).stdout).unwrap();
        let rows = rows.as_array().unwrap();
        assert!(rows.iter().all(|row| row["architecture"] == "inception_v4"));
        let row = rows.iter().find(|row| row["id"] == FIRST_USE).unwrap();
        assert_eq!(
            (&row["pin"], &row["parameters"]),
            (&"first-use".into(), &42_679_816.into())
        );
        assert!(
            row["cached"]
                .as_str()
                .unwrap()
                .ends_with("model.safetensors")
        );
    }
}

#[test]
fn fetch_prints_the_path_and_says_in_one_line_where_it_came_from() {
    let setting = Setting::new();
    let fetched = setting.succeeds(&format!("fetch {FIRST_USE}"));
    let path = Path::new(fetched.stdout.trim_end());
    assert_eq!(std::fs::read(path).unwrap(), b"weights");
    let sha256 = sha256_hex(b"weights");
    let last = fetched.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("inception_v4.tf_in1k: fetched from http://127.0.0.1"),
        "{last}"
    );
    assert!(last.contains(&sha256), "{last}");

    let again = setting.succeeds(&format!("fetch {FIRST_USE}"));
    assert_eq!(again.stdout, fetched.stdout);
    let expected = format!(
        "{FIRST_USE}: found in the cache: {}, SHA-256 {sha256}\n",
        path.display()
    );
    assert_eq!(again.stderr, expected);
    assert_eq!(setting.server.requests().len(), 1);
}

#[test]
fn a_name_that_is_none_lists_those_that_are_and_no_name_is_wrong_usage() {
    let setting = Setting::new();
    setting.fails(
        "fetch resnet19",
        &["unknown checkpoint `resnet19`", FIRST_USE],
    );
    for usage in [
        "fetch",
        "fetch --all resnet18",
        "where",
        "--json fetch resnet18",
    ] {
        assert_eq!(setting.run(usage).code, 2, "{usage}");
    }
}

#[test]
fn offline_by_flag_or_variable_asks_nobody() {
    let setting = Setting::new();
    setting.fails(
        &format!("fetch --offline {FIRST_USE}"),
        &["offline", "models--timm--inception_v4.tf_in1k"],
    );
    setting.fails(
        "fetch --offline --all",
        &["offline", "could not be had", "resnet18.torchvision_v1, "],
    );
    let ended = setting.run_with(&format!("fetch {FIRST_USE}"), &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    setting.fails(&format!("where {FIRST_USE}"), &["weights fetch"]);
    assert_eq!(setting.server.requests().len(), 0);
}

#[test]
fn where_and_verify_read_the_file_again() {
    let setting = Setting::new();
    assert_eq!(setting.succeeds("verify").stdout, "");
    setting.fails(&format!("verify {FIRST_USE}"), &["is not in the cache"]);
    let fetched = setting.succeeds(&format!("fetch {FIRST_USE}")).stdout;
    let path = fetched.trim_end();
    let sha256 = sha256_hex(b"weights");
    let located = setting.succeeds(&format!("where {FIRST_USE}")).stdout;
    assert_eq!(located, format!("{path} {sha256}\n"));
    for arguments in ["verify".to_owned(), format!("verify {FIRST_USE}")] {
        assert_eq!(
            setting.succeeds(&arguments).stdout,
            format!("{path}: right\n")
        );
    }

    std::fs::write(path, b"damaged").unwrap();
    let says = [path, &sha256, &sha256_hex(b"damaged")];
    setting.fails("verify", &says);
    setting.fails(&format!("verify {FIRST_USE}"), &says);
    setting.fails(&format!("where {FIRST_USE}"), &says);
    setting.fails(&format!("fetch {FIRST_USE}"), &says);
    assert_eq!(setting.server.requests().len(), 1);
}

#[test]
fn files_of_other_programs_and_of_the_user_are_found() {
    let setting = Setting::new();
    let hub = setting.path("hf/hub/models--timm--inception_v4.tf_in1k");
    write(&hub.join("refs/main"), b"0123");
    write(&hub.join("snapshots/0123/model.safetensors"), b"theirs");
    let ended = setting.succeeds(&format!("fetch {FIRST_USE}"));
    assert!(
        ended.stderr.contains("found in the Hugging Face cache: "),
        "{}",
        ended.stderr
    );

    let mine = setting.path("mine/inception_v4.tf_in1k.safetensors");
    write(&mine, b"theirs");
    let ended = setting.succeeds(&format!(
        "fetch --weights-dir nowhere --weights-dir mine {FIRST_USE}"
    ));
    assert!(ended.stderr.contains("found in mine: "), "{}", ended.stderr);

    // What does not agree with the first use is passed over, and told.
    write(&mine, b"something else");
    let ended = setting.succeeds(&format!("where --weights-dir mine {FIRST_USE}"));
    assert!(
        ended.stderr.contains("is not used: SHA-256"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("snapshots"), "{}", ended.stdout);

    // torch keeps this one under torchvision's name; its pin is known, and this is not it.
    write(
        &setting.path("torch/hub/checkpoints/resnet18-f37072fd.pth"),
        b"not it",
    );
    setting.fails(
        "fetch --offline resnet18.torchvision_v1",
        &["resnet18-f37072fd.pth is not used", "f37072fd47e8"],
    );
    assert_eq!(setting.server.requests().len(), 0);
}

#[test]
fn rows_of_the_user_s_own_manifest_are_known_beside_the_carried_ones() {
    let setting = Setting::new();
    let row = |id: &str, parameters: usize| {
        format!(
            r#"
[[checkpoint]]
id = "{id}"
architecture = "densenet121"
dialect = "torchvision"
source = "a hospital"
url = "{}"
file = "chest.pth"
pin.sha256 = "{}"
classes = 14
parameters = {parameters}
top1 = 0.0
licence = "none"
preprocessing = {{ resize = 256, crop = 224, interpolation = "bilinear", mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }}
"#,
            setting.server.url("chest.pth"),
            sha256_hex(b"weights")
        )
    };
    let manifest = setting.path("own.toml");
    write(&manifest, row("densenet121.chest", 6_968_206).as_bytes());
    let fetched = setting.succeeds("fetch --manifest own.toml densenet121.chest");
    assert!(
        fetched.stdout.ends_with("chest.pth\n"),
        "{}",
        fetched.stdout
    );
    setting.succeeds("where --manifest own.toml densenet121.chest");
    let list = setting.succeeds("--manifest own.toml").stdout;
    assert!(
        list.contains("densenet121.chest") && list.contains(FIRST_USE),
        "{list}"
    );
    setting.fails("where densenet121.chest", &["unknown checkpoint"]);

    write(&manifest, row(FIRST_USE, 6_968_206).as_bytes());
    setting.fails("--manifest own.toml", &["own.toml", FIRST_USE, "is taken"]);
    write(&manifest, row("densenet121.chest", 7).as_bytes());
    setting.fails(
        "--manifest own.toml",
        &["own.toml", "densenet121.chest", "parameters = 7"],
    );
    setting.fails("--manifest absent.toml", &["absent.toml"]);
}
