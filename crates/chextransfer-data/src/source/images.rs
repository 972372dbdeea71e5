//! Where images lie below a folder, by file name.

use std::collections::HashMap;
use std::path::Path;

use crate::path::check_inside;
use crate::table::is_image;
use crate::{Error, Result};

/// How deep images are looked for: `images_001/images/00000001_000.png`.
const DEPTH: usize = 3;

/// The path below `root`, with `/` between its parts, of every image file, by its name. A name in two places is an error.
pub(super) fn by_name(root: &Path) -> Result<HashMap<String, String>> {
    let mut found = HashMap::new();
    let mut pending = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = pending.pop() {
        let entries = folder.read_dir().map_err(Error::io("list", &folder))?;
        for entry in entries {
            let entry = entry.map_err(Error::io("list", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry
                .file_type()
                .map_err(Error::io("look at", &entry.path()))?;
            // A link may be how somebody keeps the images on another disk.
            let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
            let path = format!("{prefix}{name}");
            if is_folder && depth + 1 < DEPTH {
                pending.push((entry.path(), format!("{path}/"), depth + 1));
            } else if !is_folder
                && is_image(&name)
                && check_inside(&path).is_ok()
                && let Some(first) = found.insert(name, path.clone())
            {
                return Err(Error::Tree {
                    root: root.to_path_buf(),
                    problem: format!("{first} and {path} have the same file name"),
                });
            }
        }
    }
    Ok(found)
}
