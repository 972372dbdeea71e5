//! CheXpert's tables: read by column name, joined where they are by study, and written.

mod image_level;
mod rows;
mod study_level;
mod write;

use crate::Observation;

pub(crate) use image_level::{read, read_leniently};
pub(crate) use rows::{Row, Rows};
pub(crate) use study_level::{StudyLabels, is_by_study, is_image};
pub(crate) use write::{digest, write};

pub(crate) const PATH: &str = "Path";
pub(crate) const SEX: &str = "Sex";
pub(crate) const AGE: &str = "Age";
pub(crate) const VIEW: &str = "Frontal/Lateral";
pub(crate) const PROJECTION: &str = "AP/PA";
/// Columns of ours for tables whose paths do not name patient and study.
pub(crate) const PATIENT: &str = "Patient";
pub(crate) const STUDY: &str = "Study";

/// What a label cell may hold.
pub(crate) const LABEL_CELLS: &str = "1.0, 0.0, -1.0 or an empty cell";

/// The header of CheXpert's `train.csv`: `Path,Sex,Age,Frontal/Lateral,AP/PA` and the 14 observations.
pub const COLUMNS: [&str; 19] = {
    let mut columns = [PATH; 19];
    columns[1] = SEX;
    columns[2] = AGE;
    columns[3] = VIEW;
    columns[4] = PROJECTION;
    let mut observation = 0;
    while observation < Observation::COUNT {
        columns[5 + observation] = Observation::ALL[observation].name();
        observation += 1;
    }
    columns
};
