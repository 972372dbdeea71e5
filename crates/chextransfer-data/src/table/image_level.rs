//! A table with a row an image: `train.csv` and its like.

use std::collections::HashMap;

use super::{
    AGE, LABEL_CELLS, PATH, PATIENT, PROJECTION, Row, Rows, SEX, STUDY, VIEW, study_level,
};
use crate::path::{Identity, check_inside, identify};
use crate::record::{Sex, View};
use crate::{Error, Label, Observation, Record, Result};

/// Reads the rows of a table that has a `Path` column.
///
/// Columns may come in any order, further columns are ignored. `Sex`, `Age`, `Frontal/Lateral` and `AP/PA` may be missing
/// together, as in the later image release, and their cells may be empty. `Patient` and `Study` name what the path does not.
pub(crate) fn read(mut rows: Rows<'_>) -> Result<Vec<Record>> {
    let columns = Columns::find(&rows)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(columns.record(row)?);
    }
    if columns.identity.is_some() {
        check_studies(&records, &rows)?;
    }
    Ok(records)
}

/// As [`read`], but a row that cannot be read is left out, and its error comes beside the others.
pub(crate) fn read_leniently(mut rows: Rows<'_>) -> Result<(Vec<Record>, Vec<Error>)> {
    let columns = Columns::find(&rows)?;
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    loop {
        let record = match rows.next() {
            Ok(Some(row)) => columns.record(row),
            Ok(None) => break,
            // The end of a table without a good row: no news if its rows have errors of their own.
            Err(Error::Table { line: None, .. }) if !errors.is_empty() => break,
            Err(error @ Error::Table { line: None, .. }) => return Err(error),
            Err(error) => Err(error),
        };
        match record {
            Ok(record) => records.push(record),
            Err(error) => errors.push(error),
        }
    }
    if columns.identity.is_some() {
        errors.extend(check_studies(&records, &rows).err());
    }
    Ok((records, errors))
}

/// Where each column stands.
struct Columns {
    path: usize,
    /// `Patient` and `Study`.
    identity: Option<(usize, usize)>,
    person: Option<Person>,
    observations: [usize; Observation::COUNT],
}

struct Person {
    sex: usize,
    age: usize,
    view: usize,
    projection: usize,
}

impl Columns {
    fn find(rows: &Rows<'_>) -> Result<Self> {
        let identity = match (rows.optional_column(PATIENT)?, rows.optional_column(STUDY)?) {
            (Some(patient), Some(study)) => Some((patient, study)),
            (None, None) => None,
            (None, Some(_)) => return Err(rows.missing(PATIENT)),
            (Some(_), None) => return Err(rows.missing(STUDY)),
        };
        let mut some = false;
        for name in [SEX, AGE, VIEW, PROJECTION] {
            some |= rows.optional_column(name)?.is_some();
        }
        let person = some.then(|| {
            Ok(Person {
                sex: rows.column(SEX)?,
                age: rows.column(AGE)?,
                view: rows.column(VIEW)?,
                projection: rows.column(PROJECTION)?,
            })
        });
        Ok(Self {
            path: rows.column(PATH)?,
            identity,
            person: person.transpose()?,
            observations: study_level::observations(rows)?,
        })
    }

    fn record(&self, row: Row<'_>) -> Result<Record> {
        let path = row.cell(self.path);
        let Identity { patient, study } = match self.identity {
            None => identify(path).map_err(|expected| row.wrong(PATH, path, expected))?,
            Some((patient, study)) => {
                check_inside(path).map_err(|expected| row.wrong(PATH, path, expected))?;
                Identity {
                    patient: row.name(PATIENT, patient)?.to_owned(),
                    study: row.name(STUDY, study)?.to_owned(),
                }
            }
        };
        let mut record = Record {
            path: path.to_owned(),
            patient,
            study,
            view: None,
            projection: None,
            sex: Sex::Unknown,
            age: None,
            labels: labels(row, &self.observations)?,
            line: row.line,
        };
        if let Some(columns) = &self.person {
            columns.fill(&mut record, row)?;
        }
        record.view = record.view.or_else(|| View::from_file_name(path));
        Ok(record)
    }
}

impl Person {
    fn fill(&self, record: &mut Record, row: Row<'_>) -> Result<()> {
        let sex = row.cell(self.sex);
        if !sex.is_empty() {
            record.sex = Sex::from_csv(sex)
                .ok_or_else(|| row.wrong(SEX, sex, "Male, Female, Unknown or an empty cell"))?;
        }
        let age = row.cell(self.age);
        if !age.is_empty() {
            record.age =
                Some(age.parse().map_err(|_| {
                    row.wrong(AGE, age, "a whole number of years or an empty cell")
                })?);
        }
        let view = row.cell(self.view);
        if !view.is_empty() {
            record.view = Some(
                View::from_csv(view)
                    .ok_or_else(|| row.wrong(VIEW, view, "Frontal, Lateral or an empty cell"))?,
            );
        }
        let projection = row.cell(self.projection);
        if !projection.is_empty() {
            record.projection = Some(row.name(PROJECTION, self.projection)?.to_owned());
        }
        Ok(())
    }
}

/// The 14 label cells of a row.
pub(super) fn labels(
    row: Row<'_>,
    columns: &[usize; Observation::COUNT],
) -> Result<[Label; Observation::COUNT]> {
    let mut labels = [Label::Blank; Observation::COUNT];
    for observation in Observation::ALL {
        let cell = row.cell(columns[observation.index()]);
        labels[observation.index()] = Label::from_csv(cell)
            .ok_or_else(|| row.wrong(observation.name(), cell, LABEL_CELLS))?;
    }
    Ok(labels)
}

/// Two patients with a study of one name would be scored as one examination.
fn check_studies(records: &[Record], rows: &Rows<'_>) -> Result<()> {
    let mut first: HashMap<&str, &Record> = HashMap::new();
    for record in records {
        let known = *first.entry(&record.study).or_insert(record);
        if known.patient != record.patient {
            let problem = format!(
                "study {:?} is of patient {:?}, on line {} of patient {:?}; expected names that no two patients share",
                record.study, record.patient, known.line, known.patient
            );
            return Err(rows.wrong(Some(record.line), problem));
        }
    }
    Ok(())
}
