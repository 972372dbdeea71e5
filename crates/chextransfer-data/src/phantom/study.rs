//! One study: its truth, its views, their pictures.

use super::difficulty::Difficulty;
use super::draws::{Key, Purpose};
use super::findings::Findings;
use super::person::Person;
use super::pose::{Pose, Projection};
use super::radiograph::Radiograph;
use super::truth::Truth;
use super::{frontal, lateral};
use crate::View;

/// A study before its views are rendered.
#[derive(Clone, Debug)]
pub(crate) struct Study {
    key: Key,
    pub(crate) truth: Truth,
    pub(crate) projection: Projection,
    /// In the order of their numbers, from 1.
    pub(crate) views: Vec<View>,
}

/// How many studies a patient has.
pub(crate) fn count(key: Key) -> u32 {
    let draws = &mut Key {
        study: 0,
        view: 0,
        ..key
    }
    .draws(Purpose::Schedule);
    match draws.below(100) {
        0..62 => 1,
        62..88 => 2,
        _ => 3,
    }
}

impl Study {
    /// `key.study` counts from 1.
    pub(crate) fn draw(key: Key) -> Self {
        let truth = Truth::draw(key);
        let draws = &mut key.draws(Purpose::Schedule);
        // Bedside pictures are those of the ill.
        let bedside = match Severity::of(&truth) {
            Severity::Well => 0.35,
            Severity::Ill => 0.75,
            Severity::VeryIll => 0.93,
        };
        let projection = if draws.chance(bedside) {
            Projection::Ap
        } else {
            Projection::Pa
        };
        let mut views = vec![View::Frontal];
        // As in CheXpert, few studies have a second frontal view.
        if draws.chance(0.02) {
            views.push(View::Frontal);
        }
        // Bedside studies have no lateral view; both kinds together have one in about 15 % of studies.
        if draws.chance(if projection == Projection::Pa {
            0.48
        } else {
            0.03
        }) {
            views.push(View::Lateral);
        }
        Self {
            key,
            truth,
            projection,
            views,
        }
    }

    /// Renders the view of an index into [`Study::views`]; `side` is the picture's shorter side in pixels.
    pub(crate) fn render(
        &self,
        person: &Person,
        index: usize,
        side: u32,
        difficulty: Difficulty,
    ) -> Radiograph {
        self.render_as(person, index, side, &self.truth, difficulty)
    }

    /// The same view with other findings.
    pub(crate) fn render_as(
        &self,
        person: &Person,
        index: usize,
        side: u32,
        truth: &Truth,
        difficulty: Difficulty,
    ) -> Radiograph {
        let key = Key {
            view: index as u32 + 1,
            ..self.key
        };
        let findings = Findings::draw(key, truth);
        let is_lateral = self.views.get(index) == Some(&View::Lateral);
        let pose = Pose::draw(key, side, self.projection, is_lateral);
        if is_lateral {
            lateral::render(key, person, &pose, &findings, difficulty)
        } else {
            frontal::render(key, person, &pose, &findings, difficulty)
        }
    }
}

enum Severity {
    Well,
    Ill,
    VeryIll,
}

impl Severity {
    fn of(truth: &Truth) -> Self {
        use crate::Observation as O;
        match (truth.has(O::NoFinding), truth.has(O::SupportDevices)) {
            (true, _) => Self::Well,
            (false, false) => Self::Ill,
            (false, true) => Self::VeryIll,
        }
    }
}
