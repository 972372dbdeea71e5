//! The rows of any CSV, with the line of each and errors that name it.

use std::path::Path;

use csv::StringRecord;

use crate::error::shortened;
use crate::{Error, Result};

/// A CSV under way. Lines may end in LF or CRLF; a UTF-8 byte order mark, a missing last line end, blank lines and blanks
/// around a cell are no matter.
pub(crate) struct Rows<'a> {
    bytes: &'a [u8],
    file: &'a Path,
    reader: csv::Reader<&'a [u8]>,
    header: StringRecord,
    row: StringRecord,
    read: u64,
}

/// One row and its line.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    file: &'a Path,
    pub(crate) line: u64,
    cells: &'a StringRecord,
}

impl<'a> Rows<'a> {
    /// Reads the header of the text; `file` is for messages only.
    pub(crate) fn open(bytes: &'a [u8], file: &'a Path) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::Reader::from_reader(bytes);
        let mut header = reader
            .headers()
            .map_err(|error| unreadable(&error, bytes, file))?
            .clone();
        header.trim();
        let rows = Self {
            bytes,
            file,
            reader,
            header,
            row: StringRecord::new(),
            read: 0,
        };
        if rows.header.is_empty() {
            return Err(rows.wrong(None, "it is empty; expected a header line".to_owned()));
        }
        Ok(rows)
    }

    pub(crate) fn file(&self) -> &'a Path {
        self.file
    }

    pub(crate) fn header(&self) -> &StringRecord {
        &self.header
    }

    /// The next row; a table without any is an error.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>> {
        let more = self
            .reader
            .read_record(&mut self.row)
            .map_err(|error| unreadable(&error, self.bytes, self.file))?;
        if !more {
            return match self.read {
                0 => Err(self.wrong(None, "it has a header but no rows".to_owned())),
                _ => Ok(None),
            };
        }
        self.read += 1;
        Ok(Some(Row {
            file: self.file,
            line: line_of(self.row.position(), self.bytes),
            cells: &self.row,
        }))
    }

    /// The place of a column that must be there.
    pub(crate) fn column(&self, name: &str) -> Result<usize> {
        self.optional_column(name)?
            .ok_or_else(|| self.missing(name))
    }

    /// The place of a column that may be there, once.
    pub(crate) fn optional_column(&self, name: &str) -> Result<Option<usize>> {
        self.column_where(name, |column| column == name)
    }

    /// The place of the one column whose name passes; `name` is for messages.
    pub(crate) fn column_where(
        &self,
        name: &str,
        passes: impl Fn(&str) -> bool,
    ) -> Result<Option<usize>> {
        let mut places = (0..self.header.len()).filter(|&place| passes(&self.header[place]));
        match (places.next(), places.next()) {
            (place, None) => Ok(place),
            (_, Some(_)) => {
                Err(self.wrong(Some(1), format!("column {name:?} occurs more than once")))
            }
        }
    }

    /// That a column is missing.
    pub(crate) fn missing(&self, name: &str) -> Error {
        Error::MissingColumn {
            file: self.file.to_path_buf(),
            column: name.to_owned(),
            found: listed(&self.header),
        }
    }

    /// What is wrong with the table, or from some line on.
    pub(crate) fn wrong(&self, line: Option<u64>, problem: String) -> Error {
        Error::Table {
            file: self.file.to_path_buf(),
            line,
            problem,
        }
    }
}

impl<'a> Row<'a> {
    /// The cell of a column that the header has.
    pub(crate) fn cell(&self, column: usize) -> &'a str {
        let cell = self.cells.get(column).unwrap_or_default();
        // Most cells are empty or begin and end with a letter or a digit: no need to look at characters.
        match cell.as_bytes() {
            [] => cell,
            [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
            _ => cell.trim(),
        }
    }

    /// That a cell holds something else than it may.
    pub(crate) fn wrong(&self, column: &str, found: &str, expected: &str) -> Error {
        Error::Cell {
            file: self.file.to_path_buf(),
            line: self.line,
            column: column.to_owned(),
            found: shortened(found),
            expected: expected.to_owned(),
        }
    }

    /// The text of a cell that must name something, such as a patient.
    pub(crate) fn name(&self, name: &str, column: usize) -> Result<&'a str> {
        let cell = self.cell(column);
        if cell.is_empty() || cell.chars().any(char::is_control) {
            return Err(self.wrong(name, cell, "a name without control characters"));
        }
        Ok(cell)
    }
}

fn listed(header: &StringRecord) -> String {
    // A header of a file that is no CSV can have any number of columns.
    const MOST: usize = 40;
    let names: Vec<String> = header
        .iter()
        .take(MOST)
        .map(|name| shortened(name).escape_debug().to_string())
        .collect();
    let mut list = names.join(", ");
    if header.len() > MOST {
        list.push_str(&format!(" and {} more", header.len() - MOST));
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
