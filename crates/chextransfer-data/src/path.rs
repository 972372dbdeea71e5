//! The `Path` cell: which patient and study it names, and where its file lies.

/// First components of paths that are already relative to the dataset's folder.
const SPLIT_FOLDERS: [&str; 4] = ["train", "valid", "val", "test"];

/// Patient and study of a path such as `CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `patient00001`
    pub(crate) patient: String,
    /// `patient00001/study1`
    pub(crate) study: String,
}

/// Checks a path and finds patient and study in it; the error says what the path lacks.
pub(crate) fn identify(path: &str) -> Result<Identity, &'static str> {
    check_inside(path)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    identify_folder(folder).ok_or("a path with a patientN/studyN folder and a file name")
}

/// Patient and study of a study's folder, such as `CheXpert-v1.0/test/patient64741/study1`.
pub(crate) fn identify_folder(folder: &str) -> Option<Identity> {
    let mut parts = folder.split('/').peekable();
    while let Some(patient) = parts.next() {
        if let Some(study) = parts.peek()
            && is_numbered(patient, "patient")
            && is_numbered(study, "study")
        {
            return Some(Identity {
                patient: patient.to_owned(),
                study: format!("{patient}/{study}"),
            });
        }
    }
    None
}

/// Refuses a path that could leave the folder it is relative to, on any operating system.
pub(crate) fn check_inside(path: &str) -> Result<(), &'static str> {
    // Every row of a large table passes here, and bytes are quicker than characters.
    let foreign = path
        .bytes()
        .any(|byte| matches!(byte, b'\\' | b':' | b'\0'));
    if foreign || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("a relative path with / between its parts and no empty, `.` or `..` part");
    }
    Ok(())
}

/// The study that a path of any kind names, such as `patient00001/study1` of `/mnt/x/patient00001/study1/view1.dcm`.
pub fn study_of(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split(['/', '\\']).collect();
    let study = parts
        .windows(3)
        .find(|parts| is_numbered(parts[0], "patient") && is_numbered(parts[1], "study"))?;
    Some(format!("{}/{}", study[0], study[1]))
}

/// The path below the dataset's folder.
///
/// The CSVs of CheXpert name their files from the parent of that folder (`CheXpert-v1.0/train/...`), copies of the
/// dataset are often kept under another name, and some CSVs start at the split. So a first component that is neither a
/// split nor a patient is taken for the dataset's name and dropped.
pub(crate) fn below_root(path: &str) -> &str {
    match path.split_once('/') {
        Some((first, rest))
            if !SPLIT_FOLDERS.contains(&first) && !is_numbered(first, "patient") =>
        {
            rest
        }
        _ => path,
    }
}

fn is_numbered(component: &str, word: &str) -> bool {
    component
        .strip_prefix(word)
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_name_is_dropped_and_a_split_is_kept() {
        let tail = "train/patient00001/study1/view1_frontal.jpg";
        for prefix in [
            "CheXpert-v1.0/",
            "CheXpert-v1.0-small/",
            "NIH-CXR-v1.0-small/",
            "",
        ] {
            let path = format!("{prefix}{tail}");
            assert_eq!(below_root(&path), tail);
            let identity = identify(&path).unwrap();
            assert_eq!(identity.patient, "patient00001");
            assert_eq!(identity.study, "patient00001/study1");
        }
        for unprefixed in [
            "val/patient1/study2/a.png",
            "test/patient1/study2/a.png",
            "patient1/study2/a.png",
        ] {
            assert_eq!(below_root(unprefixed), unprefixed);
        }
    }

    #[test]
    fn a_study_is_found_in_any_path_that_names_one() {
        for path in [
            "patient1/study2/a.png",
            "/mnt/x/patient1/study2/a.dcm",
            "C:\\x\\patient1\\study2\\a.png",
            "../patient1/study2/series/a.png",
        ] {
            assert_eq!(study_of(path).as_deref(), Some("patient1/study2"), "{path}");
        }
        for path in [
            "a.png",
            "patient1/a.png",
            "patient1/study2",
            "x/study2/patient1/a.png",
        ] {
            assert_eq!(study_of(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        for path in [
            "/etc/patient1/study1/a.jpg",
            "../patient1/study1/a.jpg",
            "x/train/patient1/study1/../../a.jpg",
            "train//patient1/study1/a.jpg",
            "./train/patient1/study1/a.jpg",
            "train\\..\\patient1/study1/a.jpg",
            "C:/train/patient1/study1/a.jpg",
            "",
        ] {
            assert!(identify(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_path_without_patient_and_study_is_refused() {
        for path in [
            "train/a.jpg",
            "train/patient00001/a.jpg",
            "train/patient/study1/a.jpg",
            "train/patient1/studyX/a.jpg",
            "train/patient1/study1",
            "train/study1/patient1/a.jpg",
        ] {
            assert!(identify(path).is_err(), "{path:?}");
        }
    }
}
