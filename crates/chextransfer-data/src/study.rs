//! Rows that belong together: the views of a study, the images of a patient.

use std::collections::HashMap;

use crate::Record;

/// The rows of one study or one patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The study or the patient.
    pub name: &'a str,
    /// The places of its rows among the records, rising.
    pub rows: Vec<usize>,
}

/// Groups records by a name, in the order of each name's first row.
pub(crate) fn group<'a>(
    records: &'a [Record],
    name: impl Fn(&'a Record) -> &'a str,
) -> Vec<Group<'a>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (row, record) in records.iter().enumerate() {
        let name = name(record);
        let place = *places.entry(name).or_insert_with(|| {
            groups.push(Group {
                name,
                rows: Vec::new(),
            });
            groups.len() - 1
        });
        groups[place].rows.push(row);
    }
    groups
}
