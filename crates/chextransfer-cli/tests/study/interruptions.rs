//! Kills, shards, failures and processes side by side change no result.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{TINY, assert_same, fail, left_behind, study, succeed, write};

const REPORT: &str = "report study --maps 1";

/// Starts a study in a process group of its own.
fn start(folder: &Path, arguments: &str) -> Child {
    study(folder, arguments)
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(signal: &str, target: &str) {
    Command::new("kill")
        .args([signal, "--", target])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// An undisturbed study in `folder/study`, moved away so that others can stand where it stood; and how long it took.
fn undisturbed(
    folder: &Path,
) -> (
    std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>,
    Duration,
) {
    write(&folder.join("study"), TINY);
    let begun = Instant::now();
    let printed = succeed(study(folder, "run study"));
    let took = begun.elapsed();
    assert!(
        printed.contains("5 of 5 cells done, 5 of them now; 0 failed"),
        "{printed}"
    );
    succeed(study(folder, REPORT));
    let left = left_behind(&folder.join("study"));
    assert!(left.contains_key(Path::new("report/report.html")));
    fs::rename(folder.join("study"), folder.join("undisturbed")).unwrap();
    (left, took)
}

/// Kills the whole study, or only the process that was started, whose cell then stops by itself, at random moments.
#[test]
fn five_kills_at_random_moments_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (expected, takes) = undisturbed(folder);
    write(&folder.join("study"), TINY);
    let assert_ends_as_the_undisturbed = |how: &str| {
        succeed(study(folder, "run study"));
        succeed(study(folder, REPORT));
        assert_same(&left_behind(&folder.join("study")), &expected, how);
    };
    let (mut kills, mut random) = (0, 2026_u64);
    while kills < 5 {
        // Numerical Recipes' generator; the moments need not be reproducible, clocks are not.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (random >> 33) as f64 / (1_u64 << 31) as f64;
        let mut child = start(folder, "run study");
        sleep(takes.mul_f64(share * 0.3));
        let all = kills % 2 == 0;
        let target = format!("{}{}", if all { "-" } else { "" }, child.id());
        kill("-KILL", &target);
        match child.wait().unwrap().success() {
            false => kills += 1,
            // It was over before it could be killed.
            true => {
                assert_ends_as_the_undisturbed(&format!("{kills} kills"));
                fs::remove_dir_all(folder.join("study")).unwrap();
                write(&folder.join("study"), TINY);
            }
        }
    }
    assert_ends_as_the_undisturbed("five kills");
    let again = succeed(study(folder, "run study"));
    assert!(
        again.contains("5 of 5 cells done, 0 of them now"),
        "{again}"
    );
}

#[test]
fn an_interrupt_stops_behind_a_checkpoint_and_the_same_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("study"), TINY);
    let child = start(folder, "run study --only random.f100");
    let begun = Instant::now();
    let first = folder.join("study/runs/resnet18-minus3.random.f100.s0/steps.csv");
    while !first.exists() && begun.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(5));
    }
    kill("-TERM", &child.id().to_string());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let status = succeed(study(folder, "status study"));
    assert!(!status.contains("failed"), "{status}");
    let printed = succeed(study(folder, "run study --only random.f100"));
    assert!(printed.contains("1 of 1 cells done"), "{printed}");
}

#[test]
fn shards_side_by_side_and_jobs_give_what_one_process_gives() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut expected, _) = undisturbed(folder);
    write(&folder.join("study"), TINY);
    let shards = [0, 1, 2].map(|index| start(folder, &format!("run study --shard {index}/3")));
    for mut shard in shards {
        assert!(shard.wait().unwrap().success());
    }
    let status = succeed(study(folder, "status study"));
    assert!(status.contains("5 of 5 cells done"), "{status}");
    succeed(study(folder, REPORT));
    let mut found = left_behind(&folder.join("study"));
    // Shards train networks of the source task apart.
    found.retain(|name, _| !name.starts_with("sources"));
    expected.retain(|name, _| !name.starts_with("sources"));
    assert_same(&found, &expected, "three shards");

    fs::rename(folder.join("study"), folder.join("shards")).unwrap();
    write(&folder.join("study"), TINY);
    succeed(study(folder, "run study --jobs 2"));
    succeed(study(folder, REPORT));
    let mut found = left_behind(&folder.join("study"));
    found.retain(|name, _| !name.starts_with("sources"));
    assert_same(&found, &expected, "two jobs");
}

#[test]
fn a_failed_cell_is_told_left_alone_and_tried_again_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = TINY.replace(
        "[weights.source]",
        "[weights.files]\nresnet18 = \"r.safetensors\"\n[weights.source]",
    );
    write(&folder.join("study"), &text);
    fs::write(folder.join("study/r.safetensors"), "no weights").unwrap();
    let only = "run study --only resnet18-minus3.pretrained.f50 --only resnet18-minus3.random.f50";
    let message = fail(study(folder, only));
    assert!(
        message.contains("resnet18-minus3.pretrained.f50.s0: failed: "),
        "{message}"
    );
    let status = succeed(study(folder, "status study"));
    assert!(
        status.contains("failed 1x: ") && status.contains("r.safetensors"),
        "{status}"
    );
    assert!(
        status.contains("1 of 5 cells done"),
        "one cell's failure is no other's: {status}"
    );

    fail(study(folder, only));
    let status = succeed(study(folder, "status study"));
    assert!(
        status.contains("failed 1x: "),
        "it was not tried again: {status}"
    );
    fail(study(folder, &format!("{only} --retry-failed")));
    let json = succeed(study(folder, "status study --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let failed = json
        .as_array()
        .unwrap()
        .iter()
        .find(|cell| cell["state"] == "failed")
        .unwrap();
    assert_eq!(failed["attempts"], 2);

    let whole = TINY.replace("[weights.source]", "[weights.source]\nseed = 0");
    write(&folder.join("study"), &whole);
    let printed = succeed(study(folder, &format!("{only} --retry-failed")));
    assert!(
        printed.contains("2 of 2 cells done, 1 of them now; 0 failed"),
        "{printed}"
    );
}
