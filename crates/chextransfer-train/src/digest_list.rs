//! `SHA256SUMS`: the digests of a folder's files, renewed whenever one of them is written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use chextransfer_models::weights::sha256_hex;

use crate::files::write_whole;
use crate::{Error, Result};

/// Name of the list, which `sha256sum --check` reads.
pub(crate) const DIGESTS: &str = "SHA256SUMS";
/// What programs lock that change the list.
pub(crate) const LOCK: &str = ".SHA256SUMS.lock";

/// The list of a folder. Names are relative to it, with `/` between their parts.
///
/// While a file is written its old and its new digest are listed both: a kill at whatever moment leaves a file that the
/// list knows.
#[derive(Debug, Clone)]
pub(crate) struct DigestList {
    root: PathBuf,
}

impl DigestList {
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file, whole or not at all, and lists it.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let _lock = self.lock()?;
        let mut lines = self.lines()?;
        let new = line(name, content);
        if !lines.contains(&new) {
            lines.push(new.clone());
            self.store(&mut lines)?;
        }
        write_whole(&self.root.join(name), content)?;
        let before = lines.len();
        lines.retain(|line| *line == new || name_of(line) != Some(name));
        match lines.len() < before {
            true => self.store(&mut lines),
            false => Ok(()),
        }
    }

    /// Lists files as they are; those that are not there are no longer listed.
    pub(crate) fn note(&self, names: &[String]) -> Result<()> {
        let _lock = self.lock()?;
        let mut lines = self.lines()?;
        lines.retain(|line| names.iter().all(|name| name_of(line) != Some(name)));
        for name in names {
            let path = self.root.join(name);
            if path.exists() {
                let content = fs::read(&path).map_err(Error::io("read", &path))?;
                lines.push(line(name, &content));
            }
        }
        self.store(&mut lines)
    }

    /// Digest and name of every line; `Err` with a line that is none.
    pub(crate) fn entries(&self) -> Result<Vec<Result<(String, String), String>>> {
        let lines = self.lines()?;
        Ok(lines.iter().map(|line| entry(line)).collect())
    }

    fn path(&self) -> PathBuf {
        self.root.join(DIGESTS)
    }

    fn lines(&self) -> Result<Vec<String>> {
        let path = self.path();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = fs::read(&path).map_err(Error::io("read", &path))?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.split_terminator('\n').map(str::to_owned).collect())
    }

    fn store(&self, lines: &mut [String]) -> Result<()> {
        lines.sort_by(|a, b| name_of(a).cmp(&name_of(b)));
        let text: String = lines.iter().map(|line| line.clone() + "\n").collect();
        write_whole(&self.path(), text.as_bytes())
    }

    /// Held while the list is changed, by one program at a time.
    fn lock(&self) -> Result<File> {
        let path = self.root.join(LOCK);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(Error::io("lock", &path))?;
        // A file system without locks costs no more than the protection from a second program in the same folder.
        let _ = file.lock();
        Ok(file)
    }
}

/// A line of the list.
pub(crate) fn line(name: &str, content: &[u8]) -> String {
    format!("{}  {name}", sha256_hex(content))
}

/// Digest and name of a line, or the line.
pub(crate) fn entry(line: &str) -> Result<(String, String), String> {
    let is_digest = |text: &str| {
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == 64 && text.bytes().all(lower)
    };
    match line.split_once("  ") {
        Some((digest, name)) if is_digest(digest) && !name.is_empty() => {
            Ok((digest.to_owned(), name.to_owned()))
        }
        _ => Err(line.to_owned()),
    }
}

fn name_of(line: &str) -> Option<&str> {
    line.split_once("  ").map(|(_, name)| name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(list: &DigestList) -> Vec<String> {
        let entries = list.entries().unwrap().into_iter();
        entries.map(|entry| entry.unwrap().1).collect()
    }

    #[test]
    fn the_list_holds_each_file_once_with_the_digest_of_what_it_holds_now() {
        let folder = tempfile::tempdir().unwrap();
        let list = DigestList::of(folder.path());
        for (name, content) in [
            ("b.json", "1"),
            ("a.csv", "2"),
            ("b.json", "3"),
            ("b.json", "3"),
        ] {
            list.write(name, content.as_bytes()).unwrap();
        }
        assert_eq!(names(&list), ["a.csv", "b.json"]);
        let entries = list.entries().unwrap();
        assert_eq!(entries[1].as_ref().unwrap().0, sha256_hex(b"3"));
        assert_eq!(fs::read(folder.path().join("b.json")).unwrap(), b"3");

        fs::write(folder.path().join("curve.svg"), "4").unwrap();
        fs::remove_file(folder.path().join("a.csv")).unwrap();
        list.note(&["curve.svg".to_owned(), "a.csv".to_owned()])
            .unwrap();
        assert_eq!(names(&list), ["b.json", "curve.svg"]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_digest_listed_beside_the_new() {
        let folder = tempfile::tempdir().unwrap();
        let list = DigestList::of(folder.path());
        list.write("results", b"1").unwrap();
        fs::remove_file(folder.path().join("results")).unwrap();
        fs::create_dir(folder.path().join("results")).unwrap();
        assert!(list.write("results", b"2").is_err());
        let digests = list
            .entries()
            .unwrap()
            .into_iter()
            .map(|entry| entry.unwrap().0);
        let mut expected = [sha256_hex(b"1"), sha256_hex(b"2")];
        let mut digests: Vec<_> = digests.collect();
        digests.sort();
        expected.sort();
        assert_eq!(digests, expected);
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        for line in [
            "",
            "abc  name",
            &format!("{}  ", "0".repeat(64)),
            &format!("{}  n", "G".repeat(64)),
            &format!("{} n", "0".repeat(64)),
        ] {
            assert_eq!(entry(line), Err(line.to_owned()));
        }
    }
}
