//! The data of a study: phantoms made, and tables of shares of the training patients written.

use std::path::Path;

use chextransfer_data::split::fraction;
use chextransfer_data::{CheXpert, Split, phantom};
use chextransfer_models::weights::write_whole;

use crate::config::DataSource;
use crate::grid::Cell;
use crate::study::Study;
use crate::{Error, Result};

/// Makes phantoms where they are not there yet; another process may do the same meanwhile.
pub(crate) fn prepare_source(
    data: &DataSource,
    study: &Study,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<()> {
    let DataSource::Phantom(settings) = data else {
        return Ok(());
    };
    let folder = data.folder(study.folder());
    if folder.exists() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    }
    match phantom::generate(&settings.config(), &folder, progress) {
        Ok(_) => Ok(()),
        // The other process was faster, with the same pictures.
        Err(_) if CheXpert::open(&folder).is_ok() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes the tables of a cell that trains on a share of the patients; validation and test tables are the dataset's, to
/// the byte.
pub(crate) fn prepare_share(study: &Study, cell: &Cell) -> Result<()> {
    let Some(folder) = study.share_folder(cell) else {
        return Ok(());
    };
    let dataset = CheXpert::open(study.data_folder())?;
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    for &split in dataset.splits() {
        let records = dataset.split(split)?;
        if split == Split::Train {
            let share = fraction(&records, cell.fraction, cell.seed)?;
            share.write_csv(&folder.join("train.csv"))?;
        } else if let Some(name) = records.file().file_name() {
            copy(records.file(), &folder.join(name))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = std::fs::read(from).map_err(Error::io("read", from))?;
    write_whole(to, |file| file.write_all(&bytes)).map_err(Error::io("write", to))
}
