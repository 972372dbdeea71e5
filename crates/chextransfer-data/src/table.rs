//! A split's CSV read into records, its columns found by name.

use std::path::Path;

use csv::StringRecord;

use crate::error::shortened;
use crate::path::identify;
use crate::record::{Sex, View};
use crate::{Error, Label, Observation, Record, Result};

const PATH: &str = "Path";
const SEX: &str = "Sex";
const AGE: &str = "Age";
const VIEW: &str = "Frontal/Lateral";
const PROJECTION: &str = "AP/PA";

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

/// Reads the text of a CSV; `file` is for messages only.
///
/// Columns may come in any order, further columns are ignored, lines may end in LF or CRLF, a UTF-8 byte order mark and
/// a missing last line end are no matter, nor are blanks around a cell.
pub(crate) fn read(bytes: &[u8], file: &Path) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    rows(bytes, file, |row| {
        records.push(row?);
        Ok(())
    })?;
    if records.is_empty() {
        return Err(Error::Table {
            file: file.to_path_buf(),
            line: None,
            problem: "it has a header but no rows".to_owned(),
        });
    }
    Ok(records)
}

/// Gives each row to `visit`, or why it cannot be read; ends early where `visit` fails.
pub(crate) fn rows(
    bytes: &[u8],
    file: &Path,
    mut visit: impl FnMut(Result<Record>) -> Result<()>,
) -> Result<()> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|error| unreadable(&error, bytes, file))?
        .clone();
    let columns = Columns::find(&header, file)?;

    let mut row = StringRecord::new();
    loop {
        match reader.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = line_of(row.position(), bytes);
                visit(columns.record(&row, line, file))?;
            }
            Err(error) => visit(Err(unreadable(&error, bytes, file)))?,
        }
    }
}

/// Where each column stands.
struct Columns {
    path: usize,
    sex: usize,
    age: usize,
    view: usize,
    projection: usize,
    observations: [usize; Observation::COUNT],
}

impl Columns {
    fn find(header: &StringRecord, file: &Path) -> Result<Self> {
        if header.is_empty() {
            return Err(Error::Table {
                file: file.to_path_buf(),
                line: None,
                problem: "it is empty; expected a header line".to_owned(),
            });
        }
        let find = |name: &str| {
            let mut places = (0..header.len()).filter(|&place| &header[place] == name);
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(place),
                (Some(_), Some(_)) => Err(Error::Table {
                    file: file.to_path_buf(),
                    line: Some(1),
                    problem: format!("column {name:?} occurs more than once"),
                }),
                (None, _) => Err(Error::MissingColumn {
                    file: file.to_path_buf(),
                    column: name.to_owned(),
                    found: listed(header),
                }),
            }
        };
        let mut observations = [0; Observation::COUNT];
        for observation in Observation::ALL {
            observations[observation.index()] = find(observation.name())?;
        }
        Ok(Self {
            path: find(PATH)?,
            sex: find(SEX)?,
            age: find(AGE)?,
            view: find(VIEW)?,
            projection: find(PROJECTION)?,
            observations,
        })
    }

    fn record(&self, row: &StringRecord, line: u64, file: &Path) -> Result<Record> {
        let wrong = |column: &str, found: &str, expected: &str| Error::Cell {
            file: file.to_path_buf(),
            line,
            column: column.to_owned(),
            found: shortened(found),
            expected: expected.to_owned(),
        };

        let path = &row[self.path];
        let identity = identify(path).map_err(|expected| wrong(PATH, path, expected))?;
        let sex = &row[self.sex];
        let age = &row[self.age];
        let view = &row[self.view];
        let projection = &row[self.projection];
        let mut labels = [Label::Blank; Observation::COUNT];
        for observation in Observation::ALL {
            let cell = &row[self.observations[observation.index()]];
            labels[observation.index()] = Label::from_csv(cell).ok_or_else(|| {
                wrong(observation.name(), cell, "1.0, 0.0, -1.0 or an empty cell")
            })?;
        }
        Ok(Record {
            path: path.to_owned(),
            patient: identity.patient,
            study: identity.study,
            view: View::from_csv(view).ok_or_else(|| wrong(VIEW, view, "Frontal or Lateral"))?,
            projection: (!projection.is_empty()).then(|| projection.to_owned()),
            sex: Sex::from_csv(sex).ok_or_else(|| wrong(SEX, sex, "Male, Female or Unknown"))?,
            age: age
                .parse()
                .map_err(|_| wrong(AGE, age, "a whole number of years"))?,
            labels,
            line,
        })
    }
}

fn listed(header: &StringRecord) -> String {
    let names: Vec<String> = header
        .iter()
        .map(|name| shortened(name).escape_debug().to_string())
        .collect();
    shortened_list(&names)
}

/// A header of a file that is no CSV can have any number of columns.
fn shortened_list(names: &[String]) -> String {
    const MOST: usize = 40;
    let mut list = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST {
        list.push_str(&format!(" and {} more", names.len() - MOST));
    }
    list
}

/// The reader notes where it stood before it skipped the rest of a line end and blank lines; count those too.
fn line_of(position: Option<&csv::Position>, bytes: &[u8]) -> u64 {
    let Some(position) = position else { return 0 };
    let begin = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let skipped = bytes.iter().skip(begin);
    let ends = skipped
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|&&byte| byte == b'\n');
    position.line() + ends.count() as u64
}

fn unreadable(error: &csv::Error, bytes: &[u8], file: &Path) -> Error {
    let line = error
        .position()
        .map(|position| line_of(Some(position), bytes));
    let problem = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("found {len} cells, expected {expected_len} as in the header"),
        _ => error.to_string(),
    };
    Error::Table {
        file: file.to_path_buf(),
        line,
        problem,
    }
}
