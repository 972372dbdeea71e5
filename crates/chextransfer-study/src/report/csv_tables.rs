//! Tables as CSV, with every digit.

use super::document::{Kind, Table, Value};

/// The table as CSV. A number with an interval takes three columns, a number of the paper two, and what is missing is empty.
///
/// # Errors
/// None is known for a writer in memory.
pub(super) fn csv(table: &Table) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = table.columns.iter().flat_map(|column| {
        let key = column.key;
        match column.kind {
            Kind::Text | Kind::Number | Kind::Runs => vec![key.to_owned()],
            Kind::Estimate => vec![key.to_owned(), format!("{key}_low"), format!("{key}_high")],
            Kind::Fact => vec![key.to_owned(), format!("{key}_standing")],
        }
    });
    writer.write_record(header)?;
    for row in &table.rows {
        let fields = row
            .iter()
            .zip(&table.columns)
            .flat_map(|(value, column)| fields(value, column.kind));
        writer.write_record(fields)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn fields(value: &Value, kind: Kind) -> Vec<String> {
    let own = match value {
        Value::Text(text) => text.clone(),
        Value::Number { value, .. } | Value::Fact { value, .. } => value.to_string(),
        Value::Estimate { estimate, .. } => estimate.value.to_string(),
        Value::Runs(runs) => {
            let names: Vec<_> = runs
                .iter()
                .map(|run| run.folder.as_deref().unwrap_or(&run.id))
                .collect();
            names.join(" ")
        }
        Value::Missing => String::new(),
    };
    match (kind, value) {
        (Kind::Text | Kind::Number | Kind::Runs, _) => vec![own],
        (Kind::Estimate, Value::Estimate { estimate, .. }) => {
            let [low, high] = [0, 1].map(|end: usize| {
                estimate
                    .interval
                    .map(|of| of[end].to_string())
                    .unwrap_or_default()
            });
            vec![own, low, high]
        }
        (Kind::Estimate, _) => vec![own, String::new(), String::new()],
        (Kind::Fact, Value::Fact { standing, .. }) => vec![own, standing.to_string()],
        (Kind::Fact, _) => vec![own, String::new()],
    }
}
