//! Maps to panels, panels to sheets.

use chextransfer_data::Observation;
use chextransfer_explain::{
    ClassActivationMap, Panel, Scale, Sheet, Window, contour, grey_picture, overlay,
};
use ndarray::Array2;

use super::explainer::{Explained, RunExplainer};
use super::subject::{Subject, brightness};
use crate::Result;

/// The most panels in a row, of an image with one map an observation.
const PER_ROW: usize = 4;

impl RunExplainer {
    /// The radiograph, and the map of every observation and column. With one column the observations stand in rows of
    /// four; with several each observation has a row of its own, so that the columns can be compared.
    pub(super) fn image_sheet(
        &self,
        subject: &Subject,
        observations: &[Observation],
        explained: &Explained,
    ) -> Result<Sheet> {
        let headings = self.columns();
        let radiograph = brightness(&explained.image);
        let original = original(&radiograph, vec!["radiograph".to_owned()])?;
        let panel = |column: usize, place: usize| {
            let map = &explained.columns[column][place];
            let caption = vec![
                format!("{}: {:.3}", observations[place], map.probability),
                subject.label(observations[place]).to_owned(),
                heading(&headings[column], map),
            ];
            self.panel(&radiograph, map, caption)
        };
        let places = 0..observations.len();
        let rows = if let [_] = headings {
            let mut panels = vec![original];
            for place in places {
                panels.push(panel(0, place)?);
            }
            let mut rows = Vec::new();
            while !panels.is_empty() {
                let rest = panels.split_off(panels.len().min(PER_ROW));
                rows.push(std::mem::replace(&mut panels, rest));
            }
            rows
        } else {
            let mut rows = Vec::new();
            for place in places {
                let mut row = vec![original.clone()];
                for column in 0..headings.len() {
                    row.push(panel(column, place)?);
                }
                rows.push(row);
            }
            rows
        };
        Ok(Sheet {
            title: subject.name.clone(),
            rows,
            ..self.legend()
        })
    }

    /// A map over its radiograph, with its contour.
    pub(super) fn panel(
        &self,
        radiograph: &Array2<f32>,
        map: &ClassActivationMap,
        mut caption: Vec<String>,
    ) -> Result<Panel> {
        let window = window(radiograph);
        let colored = overlay(
            radiograph.view(),
            map.scaled(self.config.scale).view(),
            window,
        )?;
        let shape = map.scaled(Scale::MinMax);
        let mut contours = Vec::new();
        if shape.iter().any(|value| *value > 0.0) {
            contours = contour(shape.view(), self.config.contour, window)?;
        } else {
            // Otherwise it would look as if nothing had been drawn.
            let what = match map.values.iter().any(|value| *value > 0.0) {
                true => "the map is equally high everywhere",
                false => "nothing in the map speaks for it",
            };
            caption.push(what.to_owned());
        }
        Ok(Panel {
            contours,
            window: seen(radiograph),
            caption,
            ..Panel::new(colored)
        })
    }

    /// A sheet without panels, whose legend says what colours and lines are.
    pub(super) fn legend(&self) -> Sheet {
        let method = self.config.method.title();
        let scale = match self.config.scale {
            Scale::Probability => {
                "from the map's lowest to its highest value, times the probability"
            }
            _ => "from the map's lowest to its highest value; comparable within a map only",
        };
        let members = self
            .runs
            .iter()
            .map(|run| run.ensemble.members().len().min(self.config.members));
        let members: Vec<String> = members.map(|count| count.to_string()).collect();
        Sheet {
            scale: Some(format!("{method}: {scale}")),
            contour: Some(format!(
                "{:.0} % of the way from the lowest to the highest value",
                100.0 * self.config.contour
            )),
            notes: vec![format!(
                "Maps and probabilities are means over the best checkpoints of a run: {}.",
                members.join(", ")
            )],
            ..Sheet::default()
        }
    }
}

/// The radiograph as it is.
pub(super) fn original(radiograph: &Array2<f32>, caption: Vec<String>) -> Result<Panel> {
    Ok(Panel {
        window: seen(radiograph),
        caption,
        ..Panel::new(grey_picture(radiograph.view())?)
    })
}

/// The square in the middle that a run's recipe leaves of an image.
pub(super) fn window(radiograph: &Array2<f32>) -> Window {
    Window::centered_square([radiograph.nrows(), radiograph.ncols()])
}

/// That square, where it is not the whole image.
fn seen(radiograph: &Array2<f32>) -> Option<Window> {
    (radiograph.nrows() != radiograph.ncols()).then(|| window(radiograph))
}

/// A column's heading with the size of its map.
fn heading(column: &str, map: &ClassActivationMap) -> String {
    let (height, width) = map.values.dim();
    format!("{column}, {height}x{width}")
}
