//! A choice of rows that says how many it kept.

use std::fmt;
use std::ops::RangeInclusive;

use crate::{Record, Records, Result, Sex, View};

/// Which rows to keep; without a condition all. A row that does not state what is asked for is not kept.
///
/// ```
/// use chextransfer_data::{Filter, Sex, View};
/// let filter = Filter::new().view(View::Frontal).projections(["AP", "PA"]).sex(Sex::Female).ages(18..=90);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    View(View),
    Projections(Vec<String>),
    Sex(Sex),
    Ages(RangeInclusive<u16>),
}

/// What a filter kept.
#[derive(Clone, Debug)]
pub struct Filtered {
    /// The rows that are left, in their order.
    pub records: Records,
    /// One entry for each condition, in the order in which they were given.
    pub steps: Vec<FilterStep>,
}

/// What one condition kept of the rows that the conditions before it had left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterStep {
    /// The condition, such as `sex Female`.
    pub condition: String,
    /// Rows before it.
    pub of: usize,
    /// Rows after it.
    pub kept: usize,
    /// Rows left out because they do not state what the condition asks for.
    pub unstated: usize,
}

impl Filter {
    /// Keeps every row.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps rows of this view.
    #[must_use]
    pub fn view(self, view: View) -> Self {
        self.with(Condition::View(view))
    }

    /// Keeps rows whose `AP/PA` cell is one of these.
    #[must_use]
    pub fn projections<S: Into<String>>(self, projections: impl IntoIterator<Item = S>) -> Self {
        let projections = projections.into_iter().map(Into::into).collect();
        self.with(Condition::Projections(projections))
    }

    /// Keeps rows of patients of this sex.
    #[must_use]
    pub fn sex(self, sex: Sex) -> Self {
        self.with(Condition::Sex(sex))
    }

    /// Keeps rows of patients of these ages, in years.
    #[must_use]
    pub fn ages(self, ages: RangeInclusive<u16>) -> Self {
        self.with(Condition::Ages(ages))
    }

    fn with(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Keeps the rows that meet every condition.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Table`] if none does.
    pub fn apply(&self, records: &Records) -> Result<Filtered> {
        let mut left: Vec<usize> = (0..records.len()).collect();
        let mut steps = Vec::with_capacity(self.conditions.len());
        for condition in &self.conditions {
            let of = left.len();
            let mut unstated = 0;
            left.retain(|&row| {
                let met = condition.met(&records.records()[row]);
                unstated += usize::from(met.is_none());
                met == Some(true)
            });
            steps.push(FilterStep {
                condition: condition.to_string(),
                of,
                kept: left.len(),
                unstated,
            });
        }
        Ok(Filtered {
            records: records.select(&left)?,
            steps,
        })
    }
}

impl Condition {
    /// `None` if the row does not state what is asked for.
    fn met(&self, record: &Record) -> Option<bool> {
        match self {
            Self::View(view) => record.view.map(|found| found == *view),
            Self::Projections(known) => {
                let found = record.projection.as_ref()?;
                Some(known.contains(found))
            }
            Self::Sex(sex) => {
                let stated = record.sex != Sex::Unknown || *sex == Sex::Unknown;
                stated.then_some(record.sex == *sex)
            }
            Self::Ages(ages) => record.age.map(|age| ages.contains(&age)),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(view) => write!(f, "view {view}"),
            Self::Projections(known) => write!(f, "projection {}", known.join(" or ")),
            Self::Sex(sex) => write!(f, "sex {sex}"),
            Self::Ages(ages) => write!(f, "age {} to {}", ages.start(), ages.end()),
        }
    }
}

impl fmt::Display for FilterStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: kept {} of {} rows",
            self.condition, self.kept, self.of
        )?;
        if self.unstated > 0 {
            write!(f, " ({} do not say)", self.unstated)?;
        }
        Ok(())
    }
}
