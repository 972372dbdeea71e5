//! The examples for clusters, run as their schedulers would, with the variables set by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{TINY, program, study, succeed, write};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/cluster")
        .join(name)
}

/// A command that finds the program by its name.
fn with_program(mut command: Command) -> Command {
    let program = PathBuf::from(program().get_program());
    let folder = program.parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap());
    command
}

#[test]
fn the_tasks_of_a_slurm_array_do_the_study() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("study"), TINY);
    for task in 0..2 {
        let mut command = with_program(Command::new("sh"));
        command
            .arg(example("slurm.sh"))
            .arg(folder.join("study"))
            .env("SLURM_ARRAY_TASK_ID", task.to_string())
            .env("SLURM_ARRAY_TASK_MAX", "1");
        let printed = succeed(command);
        assert!(printed.contains(" cells done"), "{printed}");
    }
    let status = succeed(study(folder, "status study"));
    assert!(status.contains("5 of 5 cells done"), "{status}");
}

#[test]
fn the_pods_of_an_indexed_job_do_the_study() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("study"), TINY);
    let manifest = fs::read_to_string(example("kubernetes.yaml")).unwrap();
    let line = |key: &str| {
        let mut lines = manifest.lines();
        let behind = lines.find_map(|line| line.trim().strip_prefix(key));
        behind.unwrap_or_default().trim()
    };
    let value = |key: &str| line(key).trim_matches('"').to_owned();
    assert_eq!(value("completionMode:"), "Indexed");
    let environment = |name: &str| {
        let behind = manifest.split(&format!("- name: {name}\n")).nth(1).unwrap();
        let line = behind.lines().next().unwrap().trim();
        line.strip_prefix("value:")
            .unwrap()
            .trim()
            .trim_matches('"')
            .to_owned()
    };
    assert_eq!(environment("SHARDS"), value("completions:"));
    assert_eq!(environment("SHARDS"), value("parallelism:"));
    assert_eq!(value("command:"), "[\"sh\", \"-c\"]");
    let script = line("- exec ");
    for index in 0..2 {
        let mut command = with_program(Command::new("sh"));
        command
            .args(["-c", &format!("exec {script}")])
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .env("SHARDS", "2")
            .env("DEVICE", environment("DEVICE"))
            .env("STUDY", folder.join("study"));
        succeed(command);
    }
    let status = succeed(study(folder, "status study"));
    assert!(status.contains("5 of 5 cells done"), "{status}");
}
