//! An audit as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::{Audit, AuditedTable, Finding, FindingKind, Severity};

/// Findings of a kind, and rows of a finding, that a report shows before it only counts.
const SHOWN: usize = 3;

/// Counts by kind and the first few findings of each.
impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<String> = self
            .tables
            .iter()
            .map(|table| format!("{} {}", table.split, table.rows))
            .collect();
        let images = match self.images {
            Some(count) => format!("{count} images read"),
            None => "images not looked at".to_owned(),
        };
        let root = self.root.display();
        writeln!(f, "{root}: rows: {}; {images}", rows.join(", "))?;
        for kind in FindingKind::all() {
            let findings: Vec<&Finding> = self.of_kind(kind).collect();
            if findings.is_empty() {
                continue;
            }
            let (severity, heading) = (kind.severity(), kind.heading());
            writeln!(f, "\n{severity}: {heading}: {}", findings.len())?;
            for finding in findings.iter().take(SHOWN) {
                shown(finding, f)?;
            }
            more(findings.len(), f, "  ")?;
        }
        let counts = Severity::ALL.map(|severity| match self.count(severity) {
            1 => format!("1 {severity}"),
            count => format!("{count} {severity}s"),
        });
        write!(f, "\n{}", counts.join(", "))
    }
}

fn shown(finding: &Finding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match finding.rows.as_slice() {
        [] => writeln!(f, "  {}", finding.message),
        [row] => writeln!(f, "  {row}: {}", finding.message),
        rows => {
            writeln!(f, "  {}", finding.message)?;
            for row in rows.iter().take(SHOWN) {
                writeln!(f, "    {row}")?;
            }
            more(rows.len(), f, "    ")
        }
    }
}

fn more(count: usize, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        rest => writeln!(f, "{indent}and {rest} more"),
    }
}

/// All findings, with counts by severity and by kind, the digests of the tables, and this crate's version.
#[derive(Serialize)]
struct Json<'a> {
    root: String,
    version: &'static str,
    tables: &'a [AuditedTable],
    images: Option<usize>,
    errors: usize,
    warnings: usize,
    notes: usize,
    counts: BTreeMap<FindingKind, usize>,
    findings: &'a [Finding],
}

impl Serialize for Audit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.kind).or_default() += 1;
        }
        Json {
            root: self.root.display().to_string(),
            version: env!("CARGO_PKG_VERSION"),
            tables: &self.tables,
            images: self.images,
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            notes: self.count(Severity::Note),
            counts,
            findings: &self.findings,
        }
        .serialize(serializer)
    }
}

impl Audit {
    fn of_kind(&self, kind: FindingKind) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.kind == kind)
    }
}
