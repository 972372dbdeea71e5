//! NIH ChestX-ray14.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::label_map::unlabelled;
use super::{Converted, LabelMap, Note, images};
use crate::path::check_inside;
use crate::record::{Sex, View};
use crate::table::{Row, Rows};
use crate::{Error, Label, Observation, Record, Records, Result, Split};

/// The names that the table has had.
const TABLES: [&str; 2] = ["Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv"];
const LISTS: [(&str, Split); 2] = [
    ("train_val_list.txt", Split::Train),
    ("test_list.txt", Split::Test),
];
/// First component of the `Path` cells, in CheXpert's manner.
const PREFIX: &str = "NIH-ChestX-ray14";

const IMAGE: &str = "Image Index";
const FINDINGS: &str = "Finding Labels";
const FOLLOW_UP: &str = "Follow-up #";
const PATIENT: &str = "Patient ID";
const AGE: &str = "Patient Age";
const SEX: &str = "Patient Gender";
/// What a later release calls the column.
const SEX_LATER: &str = "Patient Sex";
const POSITION: &str = "View Position";

/// Every image is a study of its own, its patient and follow-up number.
pub(super) fn read(tables: &Path, image_folder: &Path, map: &LabelMap) -> Result<Converted> {
    let file = table_in(tables)?;
    let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;
    let lists = Lists::read(tables)?;
    let places = images::by_name(image_folder)?;

    let mut rows = Rows::open(&bytes, &file)?;
    let columns = Columns::find(&rows)?;
    let mut unmapped: BTreeMap<String, usize> = map
        .rows()
        .filter(|(_, observation)| observation.is_none())
        .map(|(name, _)| (name.to_owned(), 0))
        .collect();
    let mut missing = Vec::new();
    let mut lines = HashMap::new();
    let mut by_split: Vec<(Split, Vec<Record>)> = [Split::Train, Split::Test]
        .map(|split| (split, Vec::new()))
        .into();
    while let Some(row) = rows.next()? {
        let name = row.cell(columns.image);
        if name.contains('/') || check_inside(name).is_err() {
            return Err(row.wrong(IMAGE, name, "a file name"));
        }
        let split = match &lists {
            None => Split::Train,
            Some(lists) => lists.split_of(name).ok_or_else(|| {
                row.wrong(IMAGE, name, "a name in train_val_list.txt or test_list.txt")
            })?,
        };
        if lines.insert(name.to_owned(), row.line).is_some() {
            return Err(row.wrong(IMAGE, name, "each image once"));
        }
        let place = places.get(name).cloned().unwrap_or_else(|| {
            missing.push(name.to_owned());
            format!("images/{name}")
        });
        let labels = labels(row, columns.findings, map, &mut unmapped)?;
        let record = columns.record(row, format!("{PREFIX}/{place}"), labels)?;
        if let Some((_, records)) = by_split.iter_mut().find(|(s, _)| *s == split) {
            records.push(record);
        }
    }

    let mut notes = notes(map, unmapped);
    if let Some(first) = missing.first().cloned() {
        notes.push(Note::WithoutImage {
            rows: missing.len(),
            first,
        });
    }
    if let Some(lists) = lists {
        let mut unknown: Vec<&String> = lists
            .splits
            .keys()
            .filter(|name| !lines.contains_key(*name))
            .collect();
        unknown.sort_unstable();
        if let Some(first) = unknown.first() {
            notes.push(Note::NotInTable {
                names: unknown.len(),
                first: (*first).clone(),
            });
        }
    }
    by_split.retain(|(_, records)| !records.is_empty());
    let splits = by_split
        .into_iter()
        .map(|(split, records)| Ok((split, Records::new(image_folder, &file, records)?)))
        .collect::<Result<_>>()?;
    Ok(Converted { splits, notes })
}

fn table_in(folder: &Path) -> Result<PathBuf> {
    let found = TABLES
        .map(|name| folder.join(name))
        .into_iter()
        .find(|file| file.is_file());
    found.ok_or_else(|| Error::Source {
        root: folder.to_path_buf(),
        problem: format!("it holds neither {} nor {}", TABLES[0], TABLES[1]),
    })
}

/// Which split each image is listed in.
struct Lists {
    splits: HashMap<String, Split>,
}

impl Lists {
    /// `None` if there is neither list; one of them alone is an error.
    fn read(folder: &Path) -> Result<Option<Self>> {
        if LISTS.iter().all(|(name, _)| !folder.join(name).exists()) {
            return Ok(None);
        }
        let mut splits = HashMap::new();
        for (name, split) in LISTS {
            let file = folder.join(name);
            let text = std::fs::read_to_string(&file).map_err(Error::io("read", &file))?;
            for (line, image) in text.lines().enumerate() {
                let image = image.trim_start_matches('\u{feff}').trim();
                if image.is_empty() {
                    continue;
                }
                if let Some(first) = splits.insert(image.to_owned(), split) {
                    return Err(Error::Table {
                        file,
                        line: Some(line as u64 + 1),
                        problem: format!("{image:?} is listed in the {first} split already"),
                    });
                }
            }
        }
        Ok(Some(Self { splits }))
    }

    fn split_of(&self, image: &str) -> Option<Split> {
        self.splits.get(image).copied()
    }
}

struct Columns {
    image: usize,
    findings: usize,
    follow_up: usize,
    patient: usize,
    age: usize,
    sex: usize,
    position: usize,
}

impl Columns {
    fn find(rows: &Rows<'_>) -> Result<Self> {
        let sex = match rows.optional_column(SEX_LATER)? {
            Some(column) => column,
            None => rows.column(SEX)?,
        };
        Ok(Self {
            image: rows.column(IMAGE)?,
            findings: rows.column(FINDINGS)?,
            follow_up: rows.column(FOLLOW_UP)?,
            patient: rows.column(PATIENT)?,
            age: rows.column(AGE)?,
            sex,
            position: rows.column(POSITION)?,
        })
    }

    fn record(
        &self,
        row: Row<'_>,
        path: String,
        labels: [Label; Observation::COUNT],
    ) -> Result<Record> {
        let patient = row.name(PATIENT, self.patient)?;
        let follow_up = row.name(FOLLOW_UP, self.follow_up)?;
        let position = row.cell(self.position);
        let view = match position {
            "PA" | "AP" => View::Frontal,
            _ => return Err(row.wrong(POSITION, position, "PA or AP")),
        };
        let sex = match row.cell(self.sex) {
            "M" => Sex::Male,
            "F" => Sex::Female,
            "" => Sex::Unknown,
            found => return Err(row.wrong(SEX, found, "M, F or an empty cell")),
        };
        Ok(Record {
            path,
            patient: patient.to_owned(),
            study: format!("{patient}/{follow_up}"),
            view: Some(view),
            projection: Some(position.to_owned()),
            sex,
            age: age(row, row.cell(self.age))?,
            labels,
            line: row.line,
        })
    }
}

/// Years; the first release writes `058Y`, and `011M` or `013D` for infants.
fn age(row: Row<'_>, cell: &str) -> Result<Option<u16>> {
    if cell.is_empty() {
        return Ok(None);
    }
    let (number, in_a_year) = match cell.as_bytes() {
        [.., b'Y'] => (&cell[..cell.len() - 1], 1),
        [.., b'M'] => (&cell[..cell.len() - 1], 12),
        [.., b'D'] => (&cell[..cell.len() - 1], 365),
        _ => (cell, 1),
    };
    let number: u16 = number.parse().map_err(|_| {
        row.wrong(
            AGE,
            cell,
            "a whole number, perhaps with Y, M or D for years, months or days",
        )
    })?;
    Ok(Some(number / in_a_year))
}

/// The findings that a cell such as `Effusion|Mass` names are positive, the others that the map has are negative.
fn labels(
    row: Row<'_>,
    column: usize,
    map: &LabelMap,
    unmapped: &mut BTreeMap<String, usize>,
) -> Result<[Label; Observation::COUNT]> {
    let cell = row.cell(column);
    let mut labels = [Label::Blank; Observation::COUNT];
    for (_, observation) in map.rows() {
        if let Some(observation) = observation {
            labels[observation.index()] = Label::Negative;
        }
    }
    for finding in cell.split('|').map(str::trim) {
        match map.get(finding) {
            Some(Some(observation)) => labels[observation.index()] = Label::Positive,
            Some(None) => *unmapped.entry(finding.to_owned()).or_default() += 1,
            None => {
                let names: Vec<&str> = map.rows().map(|(name, _)| name).collect();
                let expected = format!("names out of {}, with | between them", names.join(", "));
                return Err(row.wrong(FINDINGS, cell, &expected));
            }
        }
    }
    Ok(labels)
}

fn notes(map: &LabelMap, unmapped: BTreeMap<String, usize>) -> Vec<Note> {
    let unmapped = unmapped
        .into_iter()
        .map(|(label, rows)| Note::Unmapped { label, rows });
    let mapped = |observation| map.rows().any(|(_, o)| o == Some(observation));
    unmapped.chain(unlabelled(mapped)).collect()
}
