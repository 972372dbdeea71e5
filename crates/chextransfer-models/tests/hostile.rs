//! Files that lie: an error that says how, at once and without memory, and never a panic.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use chextransfer_models::weights::{Head, load, read_tensor};
use chextransfer_models::{Architecture, DeviceChoice, Error};

/// Length, header and so many zero bytes.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn with_length(length: u64, rest: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes(), rest].concat()
}

fn refusal(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("weights.file");
    std::fs::write(&path, bytes).unwrap();
    let started = Instant::now();
    let error = read_tensor(&path, "w").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(1), "{error}");
    let message = error.to_string();
    assert!(
        matches!(
            error,
            Error::WeightsMalformed { .. } | Error::WeightsUnreadable { .. }
        ),
        "{message}"
    );
    assert!(
        message.contains("weights.file") && !message.contains('\n'),
        "{message}"
    );
    message
}

#[test]
fn a_safetensors_file_that_lies_is_refused_with_the_lie() {
    let folder = tempfile::tempdir().unwrap();
    let terabyte =
        r#"{"w":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}"#;
    let overflow = r#"{"w":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#;
    let overlap = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let gap = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"v":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
    let twice = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    let mut unicode = file(
        r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        4,
    );
    unicode[10] = 0xff;
    for (bytes, expected) in [
        (Vec::new(), "fewer than a header"),
        (vec![0; 7], "fewer than a header"),
        (
            with_length(u64::MAX, b"{}"),
            "declares a header of 18446744073709551615 bytes",
        ),
        (
            with_length(99_999_999, b"{}"),
            "declares a header of 99999999 bytes, the file has 10",
        ),
        (file("{", 0), "header"),
        (file("[]", 0), "header"),
        (file(&"{".repeat(100_000), 0), "header"),
        (
            file(terabyte, 4),
            "ends at byte 1099511627776 of the data, the file has 4",
        ),
        (file(overflow, 8), "does not fit its shape"),
        (
            file(
                r#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
                8,
            ),
            "does not fit its shape",
        ),
        (
            file(
                r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
                8,
            ),
            "does not fit its shape",
        ),
        (
            file(
                r#"{"w":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#,
                8,
            ),
            "unknown type `F31`",
        ),
        (
            file(
                r#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
                8,
            ),
            "header",
        ),
        (
            file(r#"{"w":{"dtype":"F32","shape":[2]}}"#, 8),
            "data_offsets",
        ),
        (file(overlap, 12), "overlap"),
        (file(gap, 12), "gap"),
        (file(twice, 8), "`w` stands twice"),
        (
            file(
                r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
                5,
            ),
            "the file has 5",
        ),
        (unicode, "header"),
    ] {
        let message = refusal(folder.path(), &bytes);
        assert!(message.contains(expected), "{message}, expected {expected}");
    }
}

#[test]
fn a_pickle_that_calls_something_is_refused_and_calls_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let touched = folder.path().join("touched");
    let command = format!("touch {}", touched.display());
    let mut pickle = b"\x80\x02cposix\nsystem\nX".to_vec();
    pickle.extend((command.len() as u32).to_le_bytes());
    pickle.extend(command.as_bytes());
    pickle.extend(b"\x85R.");
    refusal(folder.path(), &pickle);

    let legacy = include_bytes!("reference/pth/legacy.pth");
    let zip = include_bytes!("reference/pth/zip.pth");
    for cut in [10, 100, 1000] {
        refusal(folder.path(), &legacy[..cut]);
        refusal(folder.path(), &zip[..cut]);
    }
    refusal(folder.path(), &zip[..zip.len() - 30]);
    assert!(!touched.exists());
}

/// Bytes of intact files, changed at random: whatever comes of it is a value, not a panic.
#[test]
fn no_changed_byte_makes_the_reader_panic() {
    let folder = tempfile::tempdir().unwrap();
    let header = r#"{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"v":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}"#;
    let seeds: [Vec<u8>; 3] = [
        file(header, 26),
        include_bytes!("reference/pth/zip.pth").to_vec(),
        include_bytes!("reference/pth/legacy.pth").to_vec(),
    ];
    let path = folder.path().join("weights.file");
    let spec = Architecture::MnasNet1_0
        .minus(6)
        .unwrap()
        .with_classes(5)
        .unwrap();
    let device = DeviceChoice::Cpu.open().unwrap();
    let network = spec.init(0, &device);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut read, mut refused) = (0, 0);
    for round in 0..1500 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..1 + random(4) {
            // Most of a file is values; its structure is at both ends.
            let ends = bytes.len().min(400);
            let place = match random(3) {
                0 => random(bytes.len()),
                1 => random(ends),
                _ => bytes.len() - 1 - random(ends),
            };
            match random(3) {
                0 => bytes[place] = random(256) as u8,
                1 => bytes[place] ^= 1 << random(8),
                _ => bytes.truncate(place.max(1)),
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        match load(network.clone(), &path, Head::Load) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(read > 10 && refused > 500, "{read} read, {refused} refused");
}
