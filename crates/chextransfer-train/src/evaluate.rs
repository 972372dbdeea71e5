//! An ensemble judged on a split: by study, calibrated and with operating points if asked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chextransfer_data::{CheXpert, Records, Split};
use chextransfer_metrics::{
    Aggregation, Bootstrap, Calibration, Decisions, Evaluation, OperatingRule, Predictions,
    TemperatureScope, Temperatures,
};
use chextransfer_models::DeviceChoice;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::ensemble::{Ensemble, Member};
use crate::event::Observer;
use crate::provenance::Program;
use crate::results::{METRICS, Results, by_image, by_study};
use crate::run_directory::RunDirectory;
use crate::sidecar::{DataOrigin, Sidecar, UnreadableImage, is_of};
use crate::unreadable::Unreadable;
use crate::{Error, Result};

/// How an ensemble is judged. [`EvaluateConfig::of`] is the paper's way.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluateConfig {
    /// The split.
    pub split: Split,
    /// Another dataset than the first run's own.
    pub data: Option<PathBuf>,
    /// From the views of a study to the study.
    pub aggregation: Aggregation,
    /// Whether probabilities are calibrated, by temperatures fitted to the images of the validation split of the run's own
    /// dataset.
    pub calibration: Option<TemperatureScope>,
    /// Rules by which thresholds are chosen on the studies of that split.
    pub operating_points: Vec<OperatingRule>,
    /// Where the results are written; needed for several runs. By default the run's folder, for another dataset
    /// `evaluations/` in it.
    pub out: Option<PathBuf>,
}

impl EvaluateConfig {
    /// The highest probability of a study's views, neither calibrated nor thresholded, on the run's own dataset.
    pub fn of(split: Split) -> Self {
        Self {
            split,
            data: None,
            aggregation: Aggregation::Max,
            calibration: None,
            operating_points: Vec::new(),
            out: None,
        }
    }
}

/// What an ensemble is worth on a split. Its [`Display`](fmt::Display) has one table after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Judgement {
    /// AUROC by study, with intervals.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// From the views of a study to the study.
    pub aggregation: Aggregation,
    /// Temperatures, and Brier score and calibration error of the studies before and after; `None` unless asked for.
    pub calibration: Option<Calibration>,
    /// Decisions at each operating point that was asked for, with 95 % intervals.
    pub operating_points: Vec<Decisions>,
    /// Where predictions and `metrics.json` were written.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.evaluation)?;
        if let Some(calibration) = &self.calibration {
            write!(f, "\n\n{calibration}")?;
        }
        for decisions in &self.operating_points {
            write!(f, "\n\n{decisions}")?;
        }
        Ok(())
    }
}

/// Probability with which the interval of a share at an operating point is to hold the true one.
const CONFIDENCE: f64 = 0.95;

impl Ensemble {
    /// Predicts a split, judges it by study, and writes predictions, each table with a JSON file that says of what, and
    /// `metrics.json`; `None` when the observer asked to stop, with nothing written.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when too many images cannot be read, [`Error::DataChanged`] and [`Error::Setting`] when
    /// there is no validation split to calibrate on, and those of files.
    pub fn judge(
        &self,
        config: &EvaluateConfig,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Option<Judgement>> {
        let run = self.first();
        let own = &run.config.data;
        let data = config.data.as_ref().filter(|data| !same_folder(data, own));
        let results = self.results(config.out.as_deref(), data)?;
        let split = config.split;
        // Its own tables may lie elsewhere than its images.
        let dataset = match data {
            Some(data) => CheXpert::open(data)?,
            None => run.config.dataset()?,
        };
        let data = data.unwrap_or(own);
        let records = Arc::new(dataset.split(split)?);

        let fitted = !config.operating_points.is_empty() || config.calibration.is_some();
        let validation = match fitted {
            true => match self.validation(device, observer)? {
                Some(table) => Some(table),
                None => return Ok(None),
            },
            false => None,
        };
        let temperatures = match (config.calibration, &validation) {
            (Some(scope), Some(validation)) => Some(validation.temperatures(scope)?),
            _ => None,
        };

        let mut unreadable = Unreadable::listed(results.clone())?;
        let (opened, of_split) = (device.open()?, (split, &records));
        let Some(raw) = self.predict_records(of_split, &mut unreadable, &opened, observer)? else {
            return Ok(None);
        };
        let image_table = calibrated(&raw, temperatures.as_ref())?;
        let study_table = image_table.by_study_as(config.aggregation)?;
        let calibration = match &temperatures {
            Some(temperatures) => {
                let before = raw.by_study_as(config.aggregation)?;
                Some(temperatures.effect(&before, &study_table)?)
            }
            None => None,
        };
        let operating_points = match &validation {
            Some(validation) => {
                let validation = calibrated(validation, temperatures.as_ref())?;
                let validation = validation.by_study_as(config.aggregation)?;
                let rules = config.operating_points.iter();
                let decisions = rules.map(|&rule| -> Result<Decisions> {
                    let thresholds = validation.thresholds(rule)?;
                    Ok(thresholds.apply(&study_table, CONFIDENCE)?)
                });
                decisions.collect::<Result<Vec<_>>>()?
            }
            None => Vec::new(),
        };
        let bootstrap = Bootstrap {
            replicates: run.config.bootstrap_replicates,
            seed: run.config.seed,
            ..Bootstrap::default()
        };
        let judged = run.config.judged();
        let judged: Vec<_> = judged
            .iter()
            .map(|observation| observation.name())
            .collect();
        let judgement = Judgement {
            evaluation: study_table.evaluate(&judged, &bootstrap)?,
            aggregation: config.aggregation,
            calibration,
            operating_points,
            folder: results.folder(),
        };

        let origin = DataOrigin::split(data, split, records.digest());
        let unreadable = unreadable.of(split);
        let mut sidecar = self.sidecar(device, origin, temperatures, unreadable);
        for run in &mut sidecar.runs {
            run.path = (run.path.take()).filter(|path| !results.folder().starts_with(path));
        }
        results.write_table(&by_image(split), &image_table, &sidecar)?;
        sidecar.aggregation = Some(config.aggregation);
        results.write_table(&by_study(split), &study_table, &sidecar)?;
        self.write_metrics(&results, &sidecar, &judgement, split)?;
        Ok(Some(judgement))
    }

    /// The ensemble's probabilities of the images of the validation split that the runs share, uncalibrated; those that
    /// are stored, if they are of the same checkpoints.
    pub(crate) fn validation(
        &self,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Option<Predictions>> {
        let split = Split::Valid;
        let run = self.first();
        let records = Arc::new(run.config.dataset()?.split(split)?);
        for other in self.runs() {
            let begun = other.provenance.data.get(split.name());
            if let Some(begun) = begun.filter(|begun| begun.sha256 != records.digest()) {
                return Err(Error::DataChanged {
                    path: records.file().to_owned(),
                    begun: begun.sha256.clone(),
                    now: records.digest().to_owned(),
                });
            }
        }
        match self.stored(split, &records) {
            Some(table) => Ok(Some(table)),
            None => self.predict(split, &device.open()?, observer),
        }
    }

    /// The table that lies in the folder of the only run, if it is of these checkpoints.
    fn stored(&self, split: Split, records: &Records) -> Option<Predictions> {
        let [run] = self.runs() else {
            return None;
        };
        let csv = run.directory.predictions_path(split);
        let sidecar = std::fs::read(csv.with_extension("json")).ok()?;
        let sidecar: Value = serde_json::from_slice(&sidecar).ok()?;
        let table = std::fs::read(&csv).ok()?;
        is_of(&sidecar, &self.members(), records.digest(), &table)
            .then(|| Predictions::read_csv(csv).ok())?
    }

    fn results(&self, out: Option<&Path>, data: Option<&PathBuf>) -> Result<Results> {
        let root = self.first().directory.root();
        match (out, data) {
            (Some(out), _) if RunDirectory::is_begun(out) => Err(Error::RunExists {
                path: out.to_owned(),
            }),
            (Some(out), _) => Ok(Results::of(out)),
            (None, _) if self.runs().len() > 1 => Err(Error::Setting {
                setting: "out",
                found: "nothing".to_owned(),
                expected: "a folder for the results of several runs",
            }),
            (None, None) => Ok(Results::of(root)),
            (None, Some(data)) => {
                let whole = data.canonicalize().map_err(Error::io("find", data))?;
                let name = whole.file_name().unwrap_or(whole.as_os_str());
                Ok(Results::of_dataset(root, &name.to_string_lossy()))
            }
        }
    }

    pub(crate) fn sidecar(
        &self,
        device: DeviceChoice,
        data: DataOrigin,
        calibration: Option<Temperatures>,
        unreadable: Vec<UnreadableImage>,
    ) -> Sidecar {
        Sidecar {
            program: Program::this(),
            device: device.to_string(),
            runs: self.runs().iter().map(Member::origin).collect(),
            data,
            aggregation: None,
            calibration,
            unreadable,
        }
    }

    /// Adds an evaluation to `metrics.json`, under the split's name.
    fn write_metrics(
        &self,
        results: &Results,
        of: &Sidecar,
        judgement: &Judgement,
        split: Split,
    ) -> Result<()> {
        let path = results.path(METRICS);
        let mut content: Map<String, Value> = match path.exists() {
            true => results.read_json(METRICS)?,
            false => Map::new(),
        };
        if let [run] = self.runs() {
            let (config, weights) = (&run.config, &run.provenance.weights);
            for (key, value) in [
                ("architecture", config.architecture.name().into()),
                ("minus", config.minus.into()),
                ("parameters", run.provenance.parameters.into()),
                ("pretrained", weights.is_some().into()),
                ("weights_sha256", of.runs[0].weights_sha256.clone().into()),
                ("seed", config.seed.into()),
            ] {
                content.insert(key.to_owned(), value);
            }
        }
        let json = |value: serde_json::Result<Value>| value.map_err(Error::io("write", &path));
        for (key, value) in [
            ("runs", json(serde_json::to_value(&of.runs))?),
            ("data_sha256", of.data.sha256.clone().into()),
            ("device", of.device.clone().into()),
            ("version", of.program.version.clone().into()),
            ("ensemble", self.members().len().into()),
            (split.name(), json(serde_json::to_value(judgement))?),
        ] {
            content.insert(key.to_owned(), value);
        }
        results.write_json(METRICS, &content)
    }
}

pub(crate) fn calibrated(
    table: &Predictions,
    temperatures: Option<&Temperatures>,
) -> Result<Predictions> {
    Ok(match temperatures {
        Some(temperatures) => temperatures.apply(table)?,
        None => table.clone(),
    })
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    one == other || (whole(one).is_some() && whole(one) == whole(other))
}
