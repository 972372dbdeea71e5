//! Rows of one table found in another, by name.

use std::collections::HashMap;

use crate::{Error, Predictions, Result};

/// For each name in `first` its place in `second`, if both hold the same distinct names; `tables` are what they are called
/// in messages, and `what` is what the names are of.
pub(crate) fn places<S: AsRef<str>>(
    first: &[S],
    second: &[S],
    tables: [&str; 2],
    what: &'static str,
) -> Result<Vec<usize>> {
    let of_first = numbered(first, tables[0])?;
    let of_second = numbered(second, tables[1])?;
    let missing = |names: &[S], from: &HashMap<&str, usize>| -> Vec<String> {
        let names = names.iter().map(AsRef::as_ref);
        names
            .filter(|name| !from.contains_key(name))
            .map(str::to_owned)
            .collect()
    };
    let (only_first, only_second) = (missing(first, &of_second), missing(second, &of_first));
    if !only_first.is_empty() || !only_second.is_empty() {
        return Err(Error::unmatched(what, tables, [&only_first, &only_second]));
    }
    Ok(first.iter().map(|name| of_second[name.as_ref()]).collect())
}

fn numbered<'a, S: AsRef<str>>(names: &'a [S], table: &str) -> Result<HashMap<&'a str, usize>> {
    let mut places = HashMap::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let name = name.as_ref();
        if places.insert(name, place).is_some() {
            let problem = format!("{table} holds {name} twice, expected distinct rows");
            return Err(Error::table(problem));
        }
    }
    Ok(places)
}

impl Predictions {
    /// This table with the rows of `first`, in its order, and the observations named; `models` are the two tables' names.
    ///
    /// # Errors
    ///
    /// If the paths of the two differ, or labels of these observations do, or one is no column of either.
    pub(crate) fn joined_to(
        &self,
        first: &Self,
        models: [&str; 2],
        observations: &[String],
    ) -> Result<Self> {
        let rows = places(first.paths(), self.paths(), models, "rows")?;
        let columns_of = |table: &Self, model| {
            table
                .columns_of(observations)
                .map_err(Error::in_model(model))
        };
        let first_columns = columns_of(first, models[0])?;
        let columns = columns_of(self, models[1])?;
        let joined = self.select(&rows, &columns);
        for ((row, column), &label) in joined.labels().indexed_iter() {
            let first_label = first.labels()[[row, first_columns[column]]];
            if label != first_label {
                let [first_name, second_name] = models.map(str::to_owned);
                return Err(Error::Labels {
                    path: joined.paths()[row].clone(),
                    observation: observations[column].clone(),
                    first: first_name,
                    first_label,
                    second: second_name,
                    second_label: label,
                });
            }
        }
        Ok(joined)
    }
}
