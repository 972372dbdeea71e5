//! The image files in `bad/`, whose names say why they are refused.

use std::path::Path;

use chextransfer_data::image::decode_grey;

#[test]
fn bad_images_are_refused_for_the_reason_in_their_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_dicom = path.extension().is_some_and(|extension| extension == "dcm");
        if is_dicom && cfg!(not(feature = "dicom")) {
            continue;
        }
        let expected = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .replace('_', " ");
        let message = decode_grey(&path).unwrap_err().to_string();
        let (_, problem) = message.split_once(": ").unwrap();
        assert!(
            problem.contains(&expected),
            "{message:?} lacks {expected:?}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
        files += 1;
    }
    assert_eq!(files, if cfg!(feature = "dicom") { 19 } else { 12 });
}
