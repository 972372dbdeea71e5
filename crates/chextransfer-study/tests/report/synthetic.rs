//! Studies whose truth is known: how well each network tells the classes apart is chosen.

use std::path::PathBuf;

use chextransfer_metrics::{Bootstrap, Predictions};
use chextransfer_models::Architecture;
use chextransfer_study::paper;
use chextransfer_study::{Cell, CellResult, StudyResults};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const JUDGED: [&str; 3] = ["Cardiomegaly", "Edema", "Pleural Effusion"];

/// A cell's place in the grid.
pub(crate) fn cell(architecture: Architecture, minus: usize, pretrained: bool) -> Cell {
    Cell {
        architecture,
        minus,
        pretrained,
        fraction: 1.0,
        seed: 0,
    }
}

/// Test studies of which `positives` of every ten have each observation.
pub(crate) struct Patients {
    pub(crate) studies: usize,
    /// Observations that no study has.
    pub(crate) absent: Vec<&'static str>,
}

impl Default for Patients {
    fn default() -> Self {
        Self {
            studies: 300,
            absent: Vec::new(),
        }
    }
}

impl Patients {
    /// Scores of a network: the larger the skill, the better it tells positives from negatives. Networks err on the same studies, but
    /// for `own` of their errors.
    pub(crate) fn predictions(&self, skill: f64, own: f64, seed: u64) -> Predictions {
        let mut shared = ChaCha8Rng::seed_from_u64(0);
        let mut private = ChaCha8Rng::seed_from_u64(seed + 1);
        let shape = (self.studies, JUDGED.len());
        let label = |(study, of): (usize, usize)| {
            !self.absent.contains(&JUDGED[of]) && (study * 7 + of * 3) % 10 < 3
        };
        let scores = Array2::from_shape_fn(shape, |at| {
            let error = shared.random::<f64>() + own * private.random::<f64>();
            (error + skill * f64::from(u8::from(label(at)))) / (2.0 + own + skill.abs())
        });
        let studies: Vec<String> = (0..self.studies)
            .map(|study| format!("patient{study:05}/study1"))
            .collect();
        let labels = Array2::from_shape_fn(shape, |at| Some(label(at)));
        let names = JUDGED.map(str::to_owned).to_vec();
        Predictions::new(names, studies.clone(), studies, labels, scores).unwrap()
    }

    /// A finished cell.
    pub(crate) fn result(&self, cell: Cell, skill: f64) -> CellResult {
        let number = cell.seed * 1000
            + Architecture::ALL
                .iter()
                .position(|of| *of == cell.architecture)
                .unwrap() as u64
                * 20
            + 2 * cell.minus as u64
            + u64::from(cell.pretrained);
        let spec = cell
            .architecture
            .minus(cell.minus)
            .unwrap()
            .with_classes(14)
            .unwrap();
        let blocks = spec.describe([320, 320]).unwrap();
        CellResult {
            run: PathBuf::from("runs").join(cell.id()),
            parameters: spec.parameters() as u64,
            macs: spec.macs([320, 320]).unwrap(),
            map_side: blocks.last().unwrap().side[0],
            imagenet_top1: paper::of_architecture(cell.architecture)
                .map(|row| row.imagenet_top1.value),
            images_per_second: None,
            examples: (670_242.0 * cell.fraction) as u64,
            predictions: self.predictions(skill, 0.15, number),
            weights_digest: cell.pretrained.then(|| "a639ec97".repeat(8)),
            data_digest: "0c1d2e3f".repeat(8),
            version: "0.1.0".to_owned(),
            device: "cpu".to_owned(),
            cell,
        }
    }
}

/// A study of these cells.
pub(crate) fn study(cells: Vec<CellResult>) -> StudyResults {
    StudyResults {
        title: "A synthetic study".to_owned(),
        note: String::new(),
        judged: JUDGED.map(str::to_owned).to_vec(),
        bootstrap: Bootstrap {
            replicates: 400,
            ..Bootstrap::default()
        },
        margin: 0.02,
        image_size: 320,
        epochs: 3,
        cells,
        failed: Vec::new(),
        pending: Vec::new(),
    }
}

/// Sixteen networks both ways, thirteen truncations, learning curves: what the paper's grid looks like, with invented skill.
pub(crate) fn whole_grid() -> StudyResults {
    let patients = Patients::default();
    let mut cells = Vec::new();
    for (place, architecture) in Architecture::ALL.into_iter().enumerate() {
        let parameters = architecture.spec().parameters() as f64;
        let size = (parameters / 2e6).log10();
        let wobble = [0.02, -0.03, 0.0, 0.04, -0.02][place % 5];
        for pretrained in [true, false] {
            let skill = if pretrained {
                0.62 + wobble
            } else {
                0.45 + 0.12 * size + wobble
            };
            cells.push(patients.result(cell(architecture, 0, pretrained), skill));
            if matches!(
                architecture,
                Architecture::DenseNet121 | Architecture::MobileNetV2
            ) {
                for (fraction, loss) in [(0.01, 0.4), (0.1, 0.18)] {
                    let loss = if pretrained { 0.6 * loss } else { loss };
                    let of = Cell {
                        fraction,
                        ..cell(architecture, 0, pretrained)
                    };
                    cells.push(patients.result(of, skill - loss));
                }
            }
        }
        let losses: &[f64] = match architecture {
            Architecture::DenseNet121 => &[0.0, 0.08, 0.25],
            Architecture::ResNet18 => &[-0.01, 0.15, 0.3],
            Architecture::EfficientNetB0 => &[0.0, 0.005],
            Architecture::MnasNet1_0 => &[0.0, 0.1, 0.2, 0.3],
            _ => &[],
        };
        for (minus, loss) in (1..).zip(losses) {
            cells.push(patients.result(cell(architecture, minus, true), 0.62 + wobble - loss));
        }
    }
    study(cells)
}
