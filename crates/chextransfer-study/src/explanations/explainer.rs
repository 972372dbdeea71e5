//! Maps of images by one or several runs, averaged over each run's checkpoints.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_data::image::{GreyImage, decode_grey};
use chextransfer_data::{Draw, Observation};
use chextransfer_explain::{ClassActivationMap, Method, Scale};
use chextransfer_train::{Event, Observer, RunDirectory, normalized};

use super::column::{OpenRun, Place};
use super::subject::{Subject, stems};
use crate::{Error, Result};

/// How runs are explained.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainConfig {
    /// How maps are made.
    pub method: Method,
    /// Where, in every run; a column of a sheet each.
    pub places: Vec<Place>,
    /// How many of a run's kept checkpoints a map is the mean of, best first; all of them where there are fewer.
    pub members: usize,
    /// What colours are relative to.
    pub scale: Scale,
    /// The share of a map's highest value at which a line is drawn around it.
    pub contour: f32,
    /// The kind of picture.
    pub format: PictureFormat,
}

impl Default for ExplainConfig {
    /// Grad-CAM at the last block, the mean over all kept checkpoints, each map relative to its own range.
    fn default() -> Self {
        Self {
            method: Method::GradCam,
            places: vec![Place::Last],
            members: usize::MAX,
            scale: Scale::MinMax,
            contour: 0.5,
            format: PictureFormat::Png,
        }
    }
}

/// The kind of picture that a sheet is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PictureFormat {
    /// Pixels.
    #[default]
    Png,
    /// Pictures in their own resolution, lines and text as such.
    Svg,
}

impl PictureFormat {
    /// The extension of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }
}

impl FromStr for PictureFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::Png, Self::Svg];
        let found = all.into_iter().find(|format| format.extension() == name);
        found.ok_or_else(|| Error::UnknownFormat {
            name: name.to_owned(),
        })
    }
}

/// Runs that are explained side by side: trained networks on the same images.
#[derive(Debug)]
pub struct RunExplainer {
    pub(super) runs: Vec<OpenRun>,
    /// The columns' headings.
    headings: Vec<String>,
    pub(super) config: ExplainConfig,
}

/// One image with its maps.
pub(super) struct Explained {
    pub(super) image: GreyImage,
    /// By column, then by observation.
    pub(super) columns: Vec<Vec<ClassActivationMap>>,
}

/// Images that are decoded and explained together, so that a checkpoint is loaded once for all of them.
const CHUNK: usize = 64;

/// What becomes of an image that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is an error: the user named it.
    Refused,
    /// It is reported and left out: it is one of many in a table.
    LeftOut,
}

impl RunExplainer {
    /// Opens the kept checkpoints of runs.
    ///
    /// # Errors
    /// When there is no run or no place, a run has no checkpoint, or its network not one of these blocks.
    pub fn open(runs: &[RunDirectory], config: ExplainConfig) -> Result<Self> {
        let wrong = |problem: String| Error::Setting {
            setting: "explanation",
            problem,
        };
        if runs.is_empty() || config.places.is_empty() || config.members == 0 {
            return Err(wrong(
                "expected a run, a place and a checkpoint at least".to_owned(),
            ));
        }
        if !(0.0..=1.0).contains(&config.contour) {
            return Err(wrong(format!(
                "found contour {}, expected 0 to 1",
                config.contour
            )));
        }
        let runs: Vec<_> = runs.iter().map(OpenRun::open).collect::<Result<_>>()?;
        let mut headings = Vec::new();
        for run in &runs {
            for place in &config.places {
                headings.push(place.heading(&run.spec)?);
            }
        }
        Ok(Self {
            runs,
            headings,
            config,
        })
    }

    /// The columns' headings: a network and a block each, `densenet121-minus1 at denseblock3`.
    pub fn columns(&self) -> &[String] {
        &self.headings
    }

    /// One sheet for each image, `<out>/patient00001-study1-view1_frontal.png`: the radiograph beside the map of every
    /// observation and column, with probability and label. Returns the sheets' paths; `None` when the observer asked to
    /// stop.
    ///
    /// # Errors
    /// When an image, a checkpoint or a sheet cannot be read or written; [`Error::SameName`] for two images whose sheets
    /// would have one name.
    pub fn images(
        &self,
        subjects: &[Subject],
        observations: &[Observation],
        out: &Path,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Vec<PathBuf>>> {
        self.sheets(
            subjects,
            observations,
            Unreadable::Refused,
            out,
            device,
            observer,
        )
    }

    /// As [`images`](Self::images), for the many images of a table: one that cannot be read is reported and left out.
    ///
    /// # Errors
    /// As [`images`](Self::images), except that.
    pub fn split(
        &self,
        subjects: &[Subject],
        observations: &[Observation],
        out: &Path,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Vec<PathBuf>>> {
        self.sheets(
            subjects,
            observations,
            Unreadable::LeftOut,
            out,
            device,
            observer,
        )
    }

    fn sheets(
        &self,
        subjects: &[Subject],
        observations: &[Observation],
        unreadable: Unreadable,
        out: &Path,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Vec<PathBuf>>> {
        let stems = stems(subjects)?;
        std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
        let mut paths = Vec::new();
        let done = self.explain(
            subjects,
            observations,
            unreadable,
            device,
            observer,
            &mut |index, explained| {
                let path = out
                    .join(&stems[index])
                    .with_added_extension(self.config.format.extension());
                self.image_sheet(&subjects[index], observations, &explained)?
                    .write(&path)?;
                paths.push(path);
                Ok(())
            },
        )?;
        Ok(done.map(|()| paths))
    }

    /// Hands every subject's maps to `each`, with its place among the subjects; `None` when the observer asked to stop.
    pub(super) fn explain(
        &self,
        subjects: &[Subject],
        observations: &[Observation],
        unreadable: Unreadable,
        device: &Device,
        observer: &mut Observer,
        each: &mut dyn FnMut(usize, Explained) -> Result<()>,
    ) -> Result<Option<()>> {
        let classes = self.runs.iter().map(|run| run.classes(observations));
        let classes = classes.collect::<Result<Vec<_>>>()?;
        let members = |run: &OpenRun| run.ensemble.members().len().min(self.config.members);
        let passes: usize = self.runs.iter().map(members).sum();
        let mut progress = Progress {
            observer,
            done: 0,
            of: subjects.len() * passes,
        };
        for (chunk, first) in subjects.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
            let mut images = Vec::new();
            for (index, subject) in chunk.iter().enumerate() {
                match decode_grey(&subject.image) {
                    Ok(image) => images.push((first + index, image)),
                    Err(error) if unreadable == Unreadable::Refused => return Err(error.into()),
                    Err(error) => {
                        if progress
                            .left_out(&subject.name, &error.to_string(), passes)
                            .is_break()
                        {
                            return Ok(None);
                        }
                    }
                }
            }
            let mut columns = vec![Vec::new(); images.len()];
            for (run, classes) in self.runs.iter().zip(&classes) {
                let maps =
                    self.maps_of_run(run, members(run), &images, classes, device, &mut progress)?;
                let Some(maps) = maps else { return Ok(None) };
                for (columns, maps) in columns.iter_mut().zip(maps) {
                    columns.extend(maps);
                }
            }
            for ((index, image), columns) in images.into_iter().zip(columns) {
                each(index, Explained { image, columns })?;
            }
        }
        Ok(Some(()))
    }

    /// A run's maps: by image, then by place, then by class. One network is in memory at a time.
    fn maps_of_run(
        &self,
        run: &OpenRun,
        members: usize,
        images: &[(usize, GreyImage)],
        classes: &[usize],
        device: &Device,
        progress: &mut Progress<'_, '_>,
    ) -> Result<Option<Vec<Vec<Vec<ClassActivationMap>>>>> {
        let recipe = run.config.recipe().centered();
        let side = recipe.crop as usize;
        // By image, place, class and member.
        let mut maps =
            vec![vec![vec![Vec::new(); classes.len()]; self.config.places.len()]; images.len()];
        for member in 0..members {
            let network = run.member(member, device)?;
            let places = self.config.places.iter();
            let explainers: Vec<_> = places
                .map(|place| place.explainer(&network, self.config.method))
                .collect::<Result<_>>()?;
            let batch_size = run.config.batch_size;
            for (batch, first) in images.chunks(batch_size).zip((0..).step_by(batch_size)) {
                let mut grey = Vec::with_capacity(batch.len() * side * side);
                for (_, image) in batch {
                    grey.extend(recipe.apply(image, Draw::default())?);
                }
                let grey = TensorData::new(grey, [batch.len(), 1, side, side]);
                let input = normalized(Tensor::from_data(grey, device), run.normalization());
                for (place, explainer) in explainers.iter().enumerate() {
                    let rows = explainer.explain_classes(input.clone(), classes)?;
                    for (image, row) in rows.into_iter().enumerate() {
                        for (class, map) in row.into_iter().enumerate() {
                            maps[first + image][place][class].push(map);
                        }
                    }
                }
                if progress.advance(batch.len()).is_break() {
                    return Ok(None);
                }
            }
        }
        let mean = |members: Vec<ClassActivationMap>| ClassActivationMap::mean(&members);
        let of_place =
            |place: Vec<Vec<_>>| place.into_iter().map(mean).collect::<Result<Vec<_>, _>>();
        let of_image = |image: Vec<Vec<Vec<_>>>| {
            image
                .into_iter()
                .map(of_place)
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Some(
            maps.into_iter()
                .map(of_image)
                .collect::<Result<Vec<_>, _>>()?,
        ))
    }
}

/// Tells an observer how many images have passed how many networks.
struct Progress<'a, 'o> {
    observer: &'a mut Observer<'o>,
    done: usize,
    of: usize,
}

impl Progress<'_, '_> {
    fn advance(&mut self, images: usize) -> ControlFlow<()> {
        self.done += images;
        (self.observer)(Event::Predicting {
            done: self.done,
            of: self.of,
        })
    }

    fn left_out(&mut self, path: &str, reason: &str, passes: usize) -> ControlFlow<()> {
        let told = (self.observer)(Event::Unreadable { path, reason });
        if told.is_break() {
            told
        } else {
            self.advance(passes)
        }
    }
}
