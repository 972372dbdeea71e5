//! Images to predict that are no dataset: files, folders, and CSVs that name them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_data::study_of;

use crate::{Error, Result};

/// An image to predict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFile {
    /// What it is called in the table: its path as it was named.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// The study, where the path names one as CheXpert's do, such as `patient00001/study1`.
    pub study: Option<String>,
}

/// Images that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFiles {
    /// What was searched.
    pub paths: Vec<PathBuf>,
    /// The images, in the order of `paths`, those of a folder by name.
    pub images: Vec<ImageFile>,
    /// What lies in the folders and is not named as an image.
    pub left_alone: Vec<PathBuf>,
}

/// How files of folders must end to be taken for images, in whatever case; files without any ending count too, as those
/// of DICOM media have none.
const ENDINGS: [&str; 5] = ["jpg", "jpeg", "png", "dcm", "dicom"];

/// Finds images: a folder stands for all in it and below it, a file that ends in `.csv` for the files that its column `Path`
/// names, and any other file for itself.
///
/// Paths in a CSV are relative to its folder, or as in CheXpert's own to the folder above.
///
/// # Errors
/// [`Error::Io`] for a path or a CSV that cannot be read, [`Error::NoImages`] when there are none,
/// [`Error::AmbiguousStudy`] when two folders are named as one study.
pub fn find_images<P: AsRef<Path>>(paths: &[P]) -> Result<ImageFiles> {
    let mut found = ImageFiles {
        paths: paths.iter().map(|path| path.as_ref().to_owned()).collect(),
        images: Vec::new(),
        left_alone: Vec::new(),
    };
    for path in paths {
        let path = path.as_ref();
        let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
        if metadata.is_dir() {
            found.add_folder(path)?;
        } else if ends_in(path, &["csv"]) {
            found.add_table(path)?;
        } else {
            found.add(path.display().to_string(), path.to_owned());
        }
    }
    if found.images.is_empty() {
        let paths: Vec<_> = found
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(Error::NoImages {
            paths: paths.join(", "),
        });
    }
    found.check_studies()?;
    Ok(found)
}

impl ImageFiles {
    fn add(&mut self, name: String, file: PathBuf) {
        let study = study_of(&file.to_string_lossy());
        self.images.push(ImageFile { name, file, study });
    }

    /// Links to folders are not followed: they may lead round in a circle.
    fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries = entries.map_err(Error::io("read", folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(Error::io("read", &path))?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() {
                self.add_folder(&path)?;
            } else if !hidden
                && path.is_file()
                && (path.extension().is_none() || ends_in(&path, &ENDINGS))
            {
                self.add(path.display().to_string(), path);
            } else {
                self.left_alone.push(path);
            }
        }
        Ok(())
    }

    fn add_table(&mut self, table: &Path) -> Result<()> {
        const COLUMN: &str = "Path";
        let folder = table.parent().unwrap_or(Path::new(""));
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(table)
            .map_err(Error::io("read", table))?;
        let header = reader.headers().map_err(Error::io("read", table))?;
        let is_column = |name: &str| name.trim_start_matches('\u{feff}') == COLUMN;
        let Some(column) = header.iter().position(is_column) else {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            let cause = format!("column {COLUMN:?} is missing; columns found: {columns}");
            return Err(Error::io("read", table)(cause));
        };
        for row in reader.records() {
            let row = row.map_err(Error::io("read", table))?;
            let path = &row[column];
            if path.is_empty() {
                let line = row.position().map_or(0, csv::Position::line);
                let cause =
                    format!("line {line}, column {COLUMN:?}: found nothing, expected a path");
                return Err(Error::io("read", table)(cause));
            }
            let below = path.split_once('/').map(|(_, rest)| folder.join(rest));
            let file = match (folder.join(path), below) {
                (file, Some(below)) if !file.exists() && below.exists() => below,
                (file, _) => file,
            };
            self.add(path.to_owned(), file);
        }
        Ok(())
    }

    /// Two datasets number their patients alike; their studies must not be taken for one.
    fn check_studies(&self) -> Result<()> {
        let mut folders: HashMap<&str, (String, &Path)> = HashMap::new();
        for ImageFile { file, study, .. } in &self.images {
            let Some(study) = study else { continue };
            let path = file.to_string_lossy().replace('\\', "/");
            let before = path
                .split_once(study.as_str())
                .map_or("", |(before, _)| before);
            match folders.entry(study) {
                Entry::Vacant(entry) => {
                    entry.insert((before.to_owned(), file));
                }
                Entry::Occupied(entry) if entry.get().0 != before => {
                    return Err(Error::AmbiguousStudy {
                        study: study.clone(),
                        first: entry.get().1.to_owned(),
                        second: file.clone(),
                    });
                }
                Entry::Occupied(_) => (),
            }
        }
        Ok(())
    }
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn names(found: &ImageFiles, root: &Path) -> Vec<String> {
        let inside = |image: &ImageFile| image.file.strip_prefix(root).unwrap().to_owned();
        let inside = found.images.iter().map(inside);
        inside.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_folder_stands_for_the_images_below_it_in_the_order_of_their_names() {
        let folder = tree(&[
            "b.PNG",
            "a/2.jpg",
            "a/10.dcm",
            "IM0001",
            "notes.txt",
            ".DS_Store",
        ]);
        let found = find_images(&[folder.path()]).unwrap();
        assert_eq!(
            names(&found, folder.path()),
            ["IM0001", "a/10.dcm", "a/2.jpg", "b.PNG"]
        );
        let left: Vec<_> = found
            .left_alone
            .iter()
            .map(|path| path.file_name().unwrap())
            .collect();
        assert_eq!(left, [".DS_Store", "notes.txt"]);
        // A file that is named is an image whatever it is called.
        let named = find_images(&[folder.path().join("notes.txt")]).unwrap();
        assert_eq!(names(&named, folder.path()), ["notes.txt"]);
    }

    #[test]
    fn a_table_names_files_beside_it_or_as_chexpert_does_from_above() {
        let folder = tree(&["set/test/patient1/study2/a.jpg", "set/b.jpg"]);
        let table = folder.path().join("set/table.csv");
        let text = "Sex,Path\nF,CheXpert-v1.0/test/patient1/study2/a.jpg\nM,b.jpg\nM,absent.jpg\n";
        fs::write(&table, text).unwrap();
        let found = find_images(&[&table]).unwrap();
        let expected = [
            "set/test/patient1/study2/a.jpg",
            "set/b.jpg",
            "set/absent.jpg",
        ];
        assert_eq!(names(&found, folder.path()), expected);
        assert_eq!(
            found.images[0].name,
            "CheXpert-v1.0/test/patient1/study2/a.jpg"
        );
        assert_eq!(found.images[0].study.as_deref(), Some("patient1/study2"));
        assert_eq!(found.images[1].study, None);

        for (text, part) in [
            (
                "Image\na.jpg\n",
                "column \"Path\" is missing; columns found: Image",
            ),
            (
                "Path,Sex\na.jpg,M\n,F\n",
                "line 3, column \"Path\": found nothing",
            ),
        ] {
            fs::write(&table, text).unwrap();
            let message = find_images(&[&table]).unwrap_err().to_string();
            assert!(
                message.contains(part) && message.contains("table.csv"),
                "{message}"
            );
        }
    }

    #[test]
    fn what_holds_no_image_or_one_study_twice_is_named() {
        let folder = tree(&[
            "notes.txt",
            "x/patient1/study1/a.jpg",
            "y/patient1/study1/a.jpg",
        ]);
        let absent = folder.path().join("absent");
        let message = find_images(&[&absent]).unwrap_err().to_string();
        assert!(message.contains("absent"), "{message}");
        let message = find_images(&[folder.path()]).unwrap_err().to_string();
        assert!(
            message.starts_with("study patient1/study1 is named by"),
            "{message}"
        );
        fs::remove_dir_all(folder.path().join("x")).unwrap();
        fs::remove_dir_all(folder.path().join("y")).unwrap();
        let message = find_images(&[folder.path()]).unwrap_err().to_string();
        assert!(message.starts_with("no image in "), "{message}");
    }
}
