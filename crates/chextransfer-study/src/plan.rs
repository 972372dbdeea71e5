//! The grid with what each cell costs and where it stands.

use std::fmt;

use chextransfer_data::{CheXpert, Split};
use chextransfer_models::{Architecture, NetworkSpec};
use chextransfer_train::{Interval, RunDirectory, TrainConfig};
use serde::Serialize;

use crate::Result;
use crate::config::DataSource;
use crate::grid::Cell;
use crate::ledger::{CellState, Record};
use crate::speed::Phase;
use crate::study::Study;

/// A study's runs, their cost and their states. Its [`Display`](fmt::Display) is a table.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The study's title.
    pub title: String,
    /// What is known of the number of images.
    pub images: String,
    /// The networks of the source task.
    pub sources: Vec<PlannedSource>,
    /// The cells in the grid's order.
    pub cells: Vec<PlannedCell>,
}

/// A cell and what it costs.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PlannedCell {
    /// Its name.
    pub id: String,
    /// The network, such as `densenet121-minus1`.
    pub network: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// Multiply-accumulates of one image.
    pub macs: u64,
    /// Its multiply-accumulates: three times an inference for an example that is trained on, validations and the final
    /// evaluation besides. Without the dataset, relative to the other cells only.
    pub cost: f64,
    /// Its share of the cost of all cells.
    pub share: f64,
    /// Hours on the machine whose speed finished cells measured: of the same network, else the median of all in
    /// multiply-accumulates a second; `None` before the first one is done.
    pub hours: Option<f64>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: CellState,
}

/// A network of the source task.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PlannedSource {
    /// Its name.
    pub id: String,
    /// Where it stands.
    #[serde(flatten)]
    pub state: CellState,
}

/// Numbers of images of the splits.
#[derive(Debug, Clone, Copy)]
struct Images {
    train: f64,
    valid: f64,
    test: f64,
}

/// A step of training costs about as much as so many inferences: forward, and the gradients of activations and of weights.
const TRAINING_OVER_INFERENCE: f64 = 3.0;
/// About so many pictures has a phantom patient.
const PICTURES: f64 = 1.7;

impl Study {
    /// What is to be done, what it costs, and what is done.
    ///
    /// # Errors
    /// Those of the dataset's tables, if it is there, and of what cells left behind.
    pub fn plan(&self) -> Result<Plan> {
        let cells = self.cells();
        let (images, told) = self.images()?;
        let settings = cells.iter().map(|cell| self.settings(cell));
        let settings = settings.collect::<Result<Vec<_>>>()?;
        let networks = settings.iter().map(|config| Ok(config.network()?));
        let networks = networks.collect::<Result<Vec<NetworkSpec>>>()?;
        let side = self.config().image_size as usize;
        let macs = networks.iter().map(|network| Ok(network.macs([side; 2])?));
        let macs = macs.collect::<Result<Vec<u64>>>()?;
        let costs: Vec<f64> = (cells.iter().zip(&settings).zip(&macs))
            .map(|((cell, config), &macs)| cost(config, cell.fraction, macs, images))
            .collect();
        let total: f64 = costs.iter().sum();
        let speeds = self.speeds(&cells, &macs)?;
        let mut planned = Vec::with_capacity(cells.len());
        for (place, cell) in cells.iter().enumerate() {
            let own = speeds
                .iter()
                .find(|(network, _)| *network == cell.network());
            let speed = own.map(|(_, speed)| *speed).or_else(|| median(&speeds));
            let hours = speed.filter(|_| images.is_some());
            planned.push(PlannedCell {
                id: cell.id(),
                network: cell.network(),
                parameters: networks[place].parameters(),
                macs: macs[place],
                cost: costs[place],
                share: costs[place] / total,
                hours: hours.map(|speed| costs[place] / speed / 3600.0),
                state: self.state(cell)?,
            });
        }
        let mut architectures: Vec<Architecture> = Vec::new();
        for cell in cells.iter().filter(|cell| cell.pretrained) {
            if !architectures.contains(&cell.architecture) {
                architectures.push(cell.architecture);
            }
        }
        if self.config().weights.source.is_none() {
            architectures.clear();
        }
        let sources = architectures.into_iter().map(|architecture| {
            let id = crate::starting::Source { architecture }.id();
            let state = self.state_of(&id)?.unwrap_or(CellState::Pending);
            Ok(PlannedSource { id, state })
        });
        Ok(Plan {
            title: self.config().title.clone(),
            images: told,
            sources: sources.collect::<Result<_>>()?,
            cells: planned,
        })
    }

    /// What each cell costs, as far as shards need it: a function of the study alone, not of what is done or measured.
    pub(crate) fn relative_costs(&self, cells: &[Cell]) -> Result<Vec<f64>> {
        let side = self.config().image_size as usize;
        let cost = |cell: &Cell| {
            let macs = self.settings(cell)?.network()?.macs([side; 2])?;
            Ok(macs as f64 * cell.fraction)
        };
        cells.iter().map(cost).collect()
    }

    /// Where a cell stands.
    ///
    /// # Errors
    /// If its record cannot be read.
    pub fn state(&self, cell: &Cell) -> Result<CellState> {
        let folder = self.run_folder(cell);
        let evaluated = || {
            let run = RunDirectory::open(&folder);
            run.is_ok_and(|run| run.predictions_path(Split::Test).exists())
        };
        Ok(match self.state_of(&cell.id())? {
            // A run whose folder was removed is to be run again.
            Some(CellState::Done) if !evaluated() => CellState::Pending,
            Some(state) => state,
            None if RunDirectory::is_begun(&folder) => CellState::Begun,
            None => CellState::Pending,
        })
    }

    fn state_of(&self, id: &str) -> Result<Option<CellState>> {
        let ledger = self.ledger();
        let record = ledger.read(id)?;
        Ok(match record {
            Some(Record::Done) => Some(CellState::Done),
            _ if ledger.is_claimed(id) => Some(CellState::Running),
            Some(Record::Failed { error, attempts }) => Some(CellState::Failed { error, attempts }),
            None => None,
        })
    }

    /// The numbers of images, and how they are known.
    fn images(&self) -> Result<(Option<Images>, String)> {
        let folder = self.data_folder();
        if folder.exists() {
            let dataset = CheXpert::open(&folder)?;
            let count = |split| Ok::<f64, crate::Error>(dataset.split(split)?.len() as f64);
            let images = Images {
                train: count(Split::Train)?,
                valid: count(Split::Valid)?,
                test: count(Split::Test)?,
            };
            let Images { train, valid, test } = images;
            let told = format!("{train} training, {valid} validation and {test} test images");
            return Ok((Some(images), told));
        }
        match &self.config().data {
            DataSource::Folder(_) => {
                let told = format!("{} is not there, so costs are relative", folder.display());
                Ok((None, told))
            }
            DataSource::Phantom(phantom) => {
                let [train, valid, test] = phantom
                    .splits
                    .map(|share| share * phantom.patients as f64 * PICTURES);
                let told = format!("about {train:.0} training images, to be made");
                Ok((Some(Images { train, valid, test }), told))
            }
        }
    }

    /// The networks of finished cells with the multiply-accumulates a second at which they trained.
    fn speeds(&self, cells: &[Cell], macs: &[u64]) -> Result<Vec<(String, f64)>> {
        let mut speeds = Vec::new();
        for (cell, &macs) in cells.iter().zip(macs) {
            if let Some(speed) = self.speed(cell, Phase::Training)? {
                let speed = speed.images_per_second * macs as f64 * TRAINING_OVER_INFERENCE;
                speeds.push((cell.network(), speed));
            }
        }
        Ok(speeds)
    }
}

fn median(speeds: &[(String, f64)]) -> Option<f64> {
    let mut speeds: Vec<f64> = speeds.iter().map(|(_, speed)| *speed).collect();
    speeds.sort_by(f64::total_cmp);
    speeds.get(speeds.len() / 2).copied()
}

/// The multiply-accumulates of a run.
fn cost(config: &TrainConfig, fraction: f64, macs: u64, images: Option<Images>) -> f64 {
    let unknown = Images {
        train: 1.0,
        valid: 0.0,
        test: 0.0,
    };
    let Images { train, valid, test } = images.unwrap_or(unknown);
    let epoch = train * fraction;
    let trained = epoch * config.epochs as f64;
    let every = match config.validate_every {
        Interval::Examples(examples) => examples as f64,
        Interval::Steps(steps) => (steps * config.batch_size as u64) as f64,
        Interval::Epochs(epochs) => epochs as f64 * epoch,
    };
    let validations = (trained / every).ceil().max(1.0);
    let kept = validations.min(config.keep_best as f64);
    let inferences = trained * TRAINING_OVER_INFERENCE + valid * validations + test * kept;
    inferences * macs as f64
}

impl Plan {
    /// How many cells are in a state of this name.
    pub fn count(&self, state: &str) -> usize {
        let cells = self.cells.iter();
        cells.filter(|cell| cell.state.name() == state).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.title, self.images)?;
        let width = self.cells.iter().map(|cell| cell.id.len()).max();
        let width = width.unwrap_or(0).max("cell".len());
        writeln!(
            f,
            "{:<width$} {:>12} {:>8} {:>7} {:>7}  state",
            "cell", "parameters", "MMACs", "cost", "hours"
        )?;
        for source in &self.sources {
            writeln!(f, "{:<width$} {:>37}  {}", source.id, "", source.state)?;
        }
        for cell in &self.cells {
            let share = format!("{:.1} %", cell.share * 100.0);
            let hours = cell
                .hours
                .map_or("-".to_owned(), |hours| format!("{hours:.2}"));
            writeln!(
                f,
                "{:<width$} {:>12} {:>8} {share:>7} {hours:>7}  {}",
                cell.id,
                cell.parameters,
                cell.macs / 1_000_000,
                cell.state
            )?;
        }
        let states = ["done", "running", "begun", "pending", "failed"];
        let counts = states.map(|state| (self.count(state), state));
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts
            .map(|(count, state)| format!("{count} {state}"))
            .collect();
        write!(f, "{} cells: {}", self.cells.len(), counts.join(", "))?;
        let open = |cell: &&PlannedCell| cell.state != CellState::Done;
        let left = self.cells.iter().filter(open).map(|cell| cell.hours);
        let left: Option<f64> = left.sum();
        match left {
            Some(hours) if hours > 0.0 => {
                write!(f, "; {hours:.2} hours left at the measured speed")
            }
            _ => Ok(()),
        }
    }
}
