//! Prediction tables on disk: what is written comes back, what is broken is refused by name.
#![allow(clippy::unwrap_used)]

use std::fs;

use chextransfer_metrics::{Error, Predictions};
use ndarray::{Array2, array};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn small() -> Predictions {
    Predictions::new(
        names(&["Pleural Effusion", "Edema"]),
        names(&["p1/s1/view1_frontal.jpg", "p1/s1/view2, \"lateral\".jpg"]),
        names(&["p1/s1", "p1/s1"]),
        array![[Some(true), None], [Some(true), Some(false)]],
        array![[0.1 + 0.2, 0.0], [1.0, 1e-12]],
    )
    .unwrap()
}

#[test]
fn header_and_cells_are_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("predictions.csv");
    small().write_csv(&file).unwrap();
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(
        text,
        "Path,Study,Pleural Effusion,Edema,Pleural Effusion label,Edema label\n\
         p1/s1/view1_frontal.jpg,p1/s1,0.30000000000000004,0,1,\n\
         \"p1/s1/view2, \"\"lateral\"\".jpg\",p1/s1,1,0.000000000001,1,0\n"
    );
}

#[test]
fn a_table_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("predictions.csv");
    small().write_csv(&file).unwrap();
    assert_eq!(Predictions::read_csv(&file).unwrap(), small());

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let shape = (300, 3);
    let labels =
        Array2::from_shape_simple_fn(shape, || rng.random_bool(0.7).then(|| rng.random_bool(0.5)));
    // Down to 1e-60 or so.
    let probabilities = Array2::from_shape_simple_fn(shape, || rng.random::<f64>().powi(20));
    let many = Predictions::new(
        names(&["a", "b", "c"]),
        (0..shape.0).map(|row| format!("image {row}")).collect(),
        (0..shape.0)
            .map(|row| format!("study {}", row / 2))
            .collect(),
        labels,
        probabilities,
    )
    .unwrap();
    many.write_csv(&file).unwrap();
    assert_eq!(Predictions::read_csv(&file).unwrap(), many);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary files left: {left:?}");
}

#[test]
fn columns_are_found_by_name_and_labels_may_be_floats() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reordered.csv");
    let text =
        "\u{feff}b label,Study,a,Path,a label,b\r\n1.0,s,0.25,p,,1e-1\r\n0.0,t,0.5,q,0,0\r\n";
    fs::write(&file, text).unwrap();
    let expected = Predictions::new(
        names(&["a", "b"]),
        names(&["p", "q"]),
        names(&["s", "t"]),
        array![[None, Some(true)], [Some(false), Some(false)]],
        array![[0.25, 0.1], [0.5, 0.0]],
    );
    assert_eq!(Predictions::read_csv(&file).unwrap(), expected.unwrap());
}

#[test]
fn a_broken_table_is_refused_with_file_line_and_column() {
    let header = "Path,Study,a,b,a label,b label\n";
    let good = "p,s,0.1,0.2,0,1\n";
    let table = |rows: &str| format!("{header}{good}{rows}");
    let long = "x".repeat(5000);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "no path column",
            b"Study,a,a label\ns,0.1,1\n".to_vec(),
            &["line 1", "\"Path\"", "Study, a, a label"],
        ),
        (
            "no study column",
            b"Path,a,a label\np,0.1,1\n".to_vec(),
            &["line 1", "\"Study\""],
        ),
        (
            "no label column",
            b"Path,Study,a,b,a label\n".to_vec(),
            &["line 1", "\"b label\"", "missing"],
        ),
        (
            "no probability column",
            b"Path,Study,a,a label,b label\n".to_vec(),
            &["\"b\"", "missing"],
        ),
        (
            "column twice",
            b"Path,Study,a,a,a label\n".to_vec(),
            &["line 1", "two columns", "\"a\""],
        ),
        (
            "no observation",
            b"Path,Study\np,s\n".to_vec(),
            &["no observations"],
        ),
        ("no row", header.into(), &["no rows"]),
        ("empty file", Vec::new(), &["\"Path\"", "missing"]),
        (
            "nan",
            table("p,s,nan,0.2,0,1\n").into(),
            &["line 3", "\"a\"", "\"nan\"", "from 0 to 1"],
        ),
        (
            "NaN after CRLF",
            table("p,s,NaN,0.2,0,1\n").replace('\n', "\r\n").into(),
            &["line 3", "\"a\"", "\"NaN\""],
        ),
        (
            "too few cells after empty lines and CRLF",
            table("\n\np,s,0.1,0.2,0\n").replace('\n', "\r\n").into(),
            &["line 5", "5 cells"],
        ),
        (
            "above one",
            table("p,s,0.1,1.2,0,1\n").into(),
            &["line 3", "\"b\"", "\"1.2\""],
        ),
        (
            "below zero",
            table("p,s,0.1,-0.2,0,1\n").into(),
            &["line 3", "\"b\"", "\"-0.2\""],
        ),
        (
            "infinite",
            table("p,s,inf,0.2,0,1\n").into(),
            &["line 3", "\"a\"", "\"inf\""],
        ),
        (
            "empty probability",
            table("p,s,,0.2,0,1\n").into(),
            &["line 3", "\"a\"", "\"\""],
        ),
        (
            "text",
            table("p,s,high,0.2,0,1\n").into(),
            &["line 3", "\"a\"", "\"high\""],
        ),
        (
            "long text",
            table(&format!("p,s,{long},0.2,0,1\n")).into(),
            &["line 3", "xxx...\""],
        ),
        (
            "label 2",
            table("p,s,0.1,0.2,0,2\n").into(),
            &["line 3", "\"b label\"", "\"2\"", "1, 0 or nothing"],
        ),
        (
            "uncertain label",
            table("p,s,0.1,0.2,-1.0,0\n").into(),
            &["line 3", "\"a label\"", "\"-1.0\""],
        ),
        (
            "too few cells",
            table("p,s,0.1,0.2,0\n").into(),
            &["line 3", "5 cells", "expected 6"],
        ),
        (
            "too many cells",
            table("p,s,0.1,0.2,0,1,1\n").into(),
            &["line 3", "7 cells", "expected 6"],
        ),
        (
            "second line broken over two",
            table("\"p\nq\",s,0.1,0.2,0,1\np,s,0.1,7,0,1\n").into(),
            &["line 5", "\"7\""],
        ),
        (
            "not UTF-8",
            [table("").as_bytes(), b"\xff,s,0.1,0.2,0,1\n"].concat(),
            &["line 3", "UTF-8"],
        ),
        (
            "binary",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
            &["binary.csv"],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (case, bytes, parts) in cases {
        let file = folder.path().join(format!("{case}.csv"));
        fs::write(&file, bytes).unwrap();
        let message = match Predictions::read_csv(&file) {
            Ok(table) => unreachable!("{case}: read as {table:?}"),
            Err(error) => error.to_string(),
        };
        for part in [file.to_str().unwrap()].iter().chain(parts) {
            assert!(
                message.contains(part),
                "{case}: {part:?} is not in: {message}"
            );
        }
        assert!(
            !message.contains('\n') && message.len() < 400,
            "{case}: {message}"
        );
    }
}

#[test]
fn a_missing_file_and_a_folder_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.csv");
    for path in [missing.as_path(), folder.path()] {
        let error = Predictions::read_csv(path).unwrap_err();
        assert!(matches!(&error, Error::Io { .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("cannot read {}: ", path.display())),
            "{message}"
        );
    }
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let in_no_folder = folder.path().join("none").join("predictions.csv");
    let message = small().write_csv(&in_no_folder).unwrap_err().to_string();
    assert!(message.starts_with("cannot write "), "{message}");
    assert!(message.contains("predictions.csv"), "{message}");

    // A folder of the file's name cannot be replaced.
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(small().write_csv(&taken).is_err());
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [taken]);
}

#[test]
fn writing_replaces_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("predictions.csv");
    fs::write(&file, "old").unwrap();
    small().write_csv(&file).unwrap();
    assert_eq!(Predictions::read_csv(&file).unwrap(), small());
}

#[cfg(unix)]
#[test]
fn a_written_file_is_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode()
    };
    fs::write(folder.path().join("other"), "").unwrap();
    small()
        .write_csv(folder.path().join("predictions.csv"))
        .unwrap();
    assert_eq!(mode("predictions.csv"), mode("other"));
}
