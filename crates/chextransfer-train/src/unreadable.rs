//! The images that could not be read: counted, listed, and limited.

use std::collections::BTreeMap;

use chextransfer_data::{Records, Skipped, Split};

use crate::event::{Event, Observer};
use crate::results::{Results, UNREADABLE};
use crate::run_directory::RunDirectory;
use crate::sidecar::UnreadableImage;
use crate::{Error, Result};

/// Unreadable images by split and path, with the reason: the content of `unreadable.csv`.
#[derive(Debug)]
pub(crate) struct Unreadable {
    results: Results,
    found: BTreeMap<(String, String), String>,
}

const COLUMNS: [&str; 3] = ["Split", "Path", "Reason"];

impl Unreadable {
    /// Those that a run's folder lists already.
    pub(crate) fn open(directory: &RunDirectory) -> Result<Self> {
        Self::listed(directory.results())
    }

    /// Those that a folder of results lists already.
    pub(crate) fn listed(results: Results) -> Result<Self> {
        let path = results.path(UNREADABLE);
        let mut found = BTreeMap::new();
        if path.exists() {
            let mut reader = csv::Reader::from_path(&path).map_err(Error::io("read", &path))?;
            for row in reader.deserialize() {
                let (split, image, reason) = row.map_err(Error::io("read", &path))?;
                found.insert((split, image), reason);
            }
        }
        Ok(Self { results, found })
    }

    /// Takes note of a batch's skipped images, and stores the list where it grew.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when they are more than the `allowed` share of the split's rows.
    pub(crate) fn note(
        &mut self,
        (split, records): (Split, &Records),
        skipped: &[Skipped],
        allowed: f64,
        observer: &mut Observer,
    ) -> Result<()> {
        if skipped.is_empty() {
            return Ok(());
        }
        let before = self.found.len();
        for Skipped { path, reason } in skipped {
            let key = (split.name().to_owned(), path.clone());
            if self.found.insert(key, reason.clone()).is_none() {
                let _ = observer(Event::Unreadable { path, reason });
            }
        }
        if self.found.len() > before {
            self.write()?;
        }
        let of_split = || {
            self.found
                .iter()
                .filter(|((name, _), _)| name == split.name())
        };
        let found = of_split().count();
        if found as f64 > allowed * records.len() as f64 {
            return Err(Error::Unreadable {
                found,
                rows: records.len(),
                split: split.name().to_owned(),
                allowed,
                first: of_split()
                    .next()
                    .map(|(_, reason)| reason.clone())
                    .unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// Those of a split.
    pub(crate) fn of(&self, split: Split) -> Vec<UnreadableImage> {
        let of_split = self
            .found
            .iter()
            .filter(|((name, _), _)| name == split.name());
        let images = of_split.map(|((_, path), reason)| UnreadableImage {
            path: path.clone(),
            reason: reason.clone(),
        });
        images.collect()
    }

    fn write(&self) -> Result<()> {
        let table = || -> csv::Result<Vec<u8>> {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(COLUMNS)?;
            for ((split, image), reason) in &self.found {
                writer.write_record([split, image, reason])?;
            }
            writer
                .into_inner()
                .map_err(|error| error.into_error().into())
        };
        let path = self.results.path(UNREADABLE);
        let table = table().map_err(Error::io("write", &path))?;
        self.results.write(UNREADABLE, &table)
    }
}
