//! A run in a process of its own that is killed, or whose disk is full, ends as if it had not been.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use chextransfer_train::{Event, Interval, Outcome, Run, TrainConfig};
use common::*;

/// What the child process is told: the folder with its settings and its run.
const FOLDER: &str = "CHEXTRANSFER_TEST_RUN";
/// After which step it is to be killed.
const KILLED_AFTER: &str = "CHEXTRANSFER_TEST_KILLED_AFTER";
const STEPS: u64 = 200;

/// Settings of a run of exactly 200 steps.
fn two_hundred_steps(folder: &Path) -> TrainConfig {
    let data = phantom(folder, 24);
    let rows = csv_rows(&data.join("train.csv"));
    let steps = |batch_size: &u64| rows.div_ceil(*batch_size);
    let batch_size = (3..)
        .find(|size| STEPS.is_multiple_of(steps(size)))
        .unwrap();
    TrainConfig {
        epochs: STEPS / steps(&batch_size),
        batch_size: usize::try_from(batch_size).unwrap(),
        validate_every: Interval::Steps(31),
        checkpoint_every: Interval::Steps(13),
        ..settings(&data)
    }
}

fn csv_rows(path: &Path) -> u64 {
    fs::read_to_string(path).unwrap().lines().count() as u64 - 1
}

/// A folder for [`child`]; the run is in its `run`.
fn asked(config: &TrainConfig, folder: PathBuf) -> PathBuf {
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("asked.toml"), config.to_toml().unwrap()).unwrap();
    folder
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null());
    command
}

fn start(folder: &Path) -> Child {
    command(folder).stderr(Stdio::null()).spawn().unwrap()
}

/// Begins the run of a folder or goes on with it, until the end.
fn run_to_the_end(folder: &Path) {
    assert!(command(folder).status().unwrap().success());
}

fn assert_ends_as(config: &TrainConfig, folder: &Path, expected: &[String], how: &str) {
    run_to_the_end(folder);
    assert_same(&left_behind(config, &folder.join("run")), expected, how);
}

#[test]
#[ignore = "is run by the others, in a process of its own"]
fn child() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("the others say where"));
    let killed_after: Option<u64> = std::env::var(KILLED_AFTER)
        .ok()
        .map(|step| step.parse().unwrap());
    let config = TrainConfig::read(&folder.join("asked.toml")).unwrap();
    let out = folder.join("run");
    let trained = Run::resume(config, &out, CPU, &mut quiet).and_then(|mut run| {
        run.train(&mut |event: Event| {
            if let Event::Step { step, .. } = event
                && Some(step) == killed_after
            {
                let pid = std::process::id().to_string();
                Command::new("kill").args(["-9", &pid]).status().unwrap();
                sleep(Duration::from_secs(60));
            }
            ControlFlow::Continue(())
        })
    });
    match trained {
        Ok(outcome) => assert_eq!(outcome, Outcome::Finished),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

#[test]
fn two_hundred_steps_are_ninety_seven_and_a_kill_and_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let config = two_hundred_steps(folder.path());
    let whole = asked(&config, folder.path().join("whole"));
    run_to_the_end(&whole);
    let expected = left_behind(&config, &whole.join("run"));
    let steps = |line: &&String| line.starts_with("steps.csv: ");
    assert_eq!(expected.iter().filter(steps).count() as u64, STEPS + 1);

    for loader_threads in [0, 1, 4] {
        let config = TrainConfig {
            loader_threads,
            ..config.clone()
        };
        let cut = asked(
            &config,
            folder.path().join(format!("{loader_threads}-threads")),
        );
        let status = command(&cut).env(KILLED_AFTER, "97").status().unwrap();
        assert!(!status.success());
        assert_eq!(
            checkpoints(&cut.join("run"))[0],
            "step-00000093",
            "a validation at 93"
        );
        assert_ends_as(
            &config,
            &cut,
            &expected,
            &format!("{loader_threads} threads"),
        );
    }
}

#[test]
fn twenty_kills_at_random_moments_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = two_hundred_steps(folder.path());
    let whole = asked(&config, folder.path().join("whole"));
    let started = Instant::now();
    run_to_the_end(&whole);
    let whole_takes = started.elapsed();
    let expected = left_behind(&config, &whole.join("run"));

    let (mut kills, mut runs, mut random) = (0, 0, 2026_u64);
    while kills < 20 {
        runs += 1;
        let cut = asked(&config, folder.path().join(format!("cut-{runs}")));
        loop {
            // Numerical Recipes' generator; the moments need not be reproducible, clocks are not.
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let share = (random >> 33) as f64 / (1_u64 << 31) as f64;
            let mut child = start(&cut);
            sleep(whole_takes.mul_f64(share * 0.6));
            child.kill().unwrap();
            // A process that was done already is none that was killed.
            if child.wait().unwrap().success() {
                break;
            }
            kills += 1;
            if kills == 20 {
                break;
            }
        }
        assert_ends_as(
            &config,
            &cut,
            &expected,
            &format!("run {runs}, {kills} kills"),
        );
    }
}

#[test]
fn a_full_disk_ends_the_run_and_leaves_the_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let config = two_hundred_steps(folder.path());
    let whole = asked(&config, folder.path().join("whole"));
    run_to_the_end(&whole);
    let expected = left_behind(&config, &whole.join("run"));

    let cut = asked(&config, folder.path().join("cut"));
    // Enough for the beginning and the first checkpoints, not for three at a time.
    let script = "mount -t tmpfs -o size=4m none \"$1\" && cp \"$0\"/asked.toml \"$1\" || exit 77
        shift; \"$@\"; code=$?; cp -r \"$FULL\"/run \"$LEFT\"; exit $code";
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .args([&cut, &full])
        .arg(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, &full)
        .env("FULL", &full)
        .env("LEFT", cut.join("run"))
        .output();
    let output = match output {
        Ok(output) if output.status.code() != Some(77) && cut.join("run").exists() => output,
        _ => return eprintln!("skipped: no small file system can be mounted here"),
    };
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("cannot write") && message.contains("No space left"),
        "{message}"
    );
    assert!(!checkpoints(&cut.join("run")).is_empty(), "{message}");
    assert_ends_as(&config, &cut, &expected, "a full disk");
}
