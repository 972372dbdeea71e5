//! The images that could not be read: counted, listed, and limited.

use std::collections::BTreeMap;

use chextransfer_data::{Records, Skipped, Split};

use crate::event::{Event, Observer};
use crate::run_directory::RunDirectory;
use crate::{Error, Result};

/// Unreadable images by split and path, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Unreadable {
    found: BTreeMap<(&'static str, String), String>,
}

impl Unreadable {
    /// Takes note of a batch's skipped images, and stores the list where it grew.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when they are more than the `allowed` share of the split's rows.
    pub(crate) fn note(
        &mut self,
        (split, records): (Split, &Records),
        skipped: &[Skipped],
        allowed: f64,
        directory: &RunDirectory,
        observer: &mut Observer,
    ) -> Result<()> {
        let before = self.found.len();
        for Skipped { path, reason } in skipped {
            let key = (split.name(), path.clone());
            if self.found.insert(key, reason.clone()).is_none() {
                let _ = observer(Event::Unreadable { path, reason });
            }
        }
        if self.found.len() == before {
            return Ok(());
        }
        let rows = self
            .found
            .iter()
            .map(|((split, path), reason)| (*split, path.as_str(), reason.as_str()));
        directory.write_unreadable(rows)?;
        let of_split = || {
            self.found
                .iter()
                .filter(|((name, _), _)| *name == split.name())
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
}
