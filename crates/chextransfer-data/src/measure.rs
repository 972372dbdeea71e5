//! Mean and standard deviation of a split's pixels: exact, streamed, and kept for the next time.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::batch::{guarded, panic_message};
use crate::cache::Cache;
use crate::digest::{hex, sha256_hex};
use crate::draw::Draw;
use crate::loader::{LoaderConfig, Skipped};
use crate::reader::Reader;
use crate::{Error, ImageRecipe, Normalization, Records, Result};

/// A normalisation and what it was measured on.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The statistics, the same in all three channels.
    pub normalization: Normalization,
    /// The mean before it was rounded to f32.
    pub mean: f64,
    /// The standard deviation before it was rounded to f32.
    pub std: f64,
    /// How many images they were measured on.
    pub images: usize,
    /// The images that could not be read and are not part of them.
    pub skipped: Vec<Skipped>,
}

impl Normalization {
    /// Measures a split: mean and population standard deviation over all pixels after the recipe with a centred crop.
    ///
    /// The images are streamed, so memory does not grow with their number. Grey levels are whole numbers and so are their
    /// sums, which are therefore exact and depend on no order; only the result is rounded. `config` changes nothing.
    /// `progress` is told the number of images done after every `batch_size` images.
    ///
    /// # Errors
    ///
    /// [`Error::Normalization`] if no image can be read or all pixels are equal, [`Error::Setting`] for a recipe or
    /// configuration out of range, [`Error::Io`] for a cache that cannot be written to.
    pub fn measure(
        records: &Arc<Records>,
        recipe: ImageRecipe,
        config: LoaderConfig,
        progress: impl FnMut(usize),
    ) -> Result<Measured> {
        Survey::of(records, recipe, &config, progress)?.measured(records)
    }

    /// [`Self::measure`], unless `folder` holds the result already; then nothing is decoded.
    ///
    /// A result without skipped images is kept under a digest of the split's CSV, of every image's path, size and time of
    /// modification, and of the recipe, so whatever changes has it measured anew, as does a damaged file.
    ///
    /// # Errors
    ///
    /// As [`Self::measure`], and [`Error::Io`] if the result cannot be kept.
    pub fn measure_cached(
        records: &Arc<Records>,
        recipe: ImageRecipe,
        config: LoaderConfig,
        folder: &Path,
        progress: impl FnMut(usize),
    ) -> Result<Measured> {
        let file = folder.join(format!("{}.txt", key(records, recipe)));
        if let Some(survey) = std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| Survey::parse(&text))
        {
            return survey.measured(records);
        }
        let survey = Survey::of(records, recipe, &config, progress)?;
        let measured = survey.clone().measured(records)?;
        // Unreadable images are looked for again, and reported, every time.
        if survey.skipped.is_empty() {
            survey.write(folder, &file)?;
        }
        Ok(measured)
    }
}

/// Names the images and the recipe.
fn key(records: &Records, recipe: ImageRecipe) -> String {
    let mut hash = Sha256::new();
    hash.update(records.digest());
    hash.update(format!("{:?}", recipe.centered()));
    for record in records.records() {
        let path = records.image_path(record);
        hash.update(path.as_os_str().as_encoded_bytes());
        if let Ok(metadata) = path.metadata() {
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let since = modified.duration_since(SystemTime::UNIX_EPOCH);
            hash.update(metadata.len().to_le_bytes());
            hash.update(since.map_or(0, |since| since.as_nanos()).to_le_bytes());
        }
    }
    hex(&hash.finalize())
}

/// The sums over a split, in grey levels of 65,535.
#[derive(Clone, Debug, Default, PartialEq)]
struct Survey {
    images: usize,
    pixels: u64,
    /// At most 65,535 a pixel: no overflow below 2^48 pixels.
    sum: u64,
    /// At most 2^32 a pixel.
    squares: u128,
    skipped: Vec<Skipped>,
}

/// The greatest level; a multiple of 255, so that both precisions have whole levels.
const WHITE: f64 = 65_535.0;

impl Survey {
    fn of(
        records: &Arc<Records>,
        recipe: ImageRecipe,
        config: &LoaderConfig,
        mut progress: impl FnMut(usize),
    ) -> Result<Self> {
        let recipe = recipe.centered();
        recipe.validate()?;
        config.validate()?;
        let cache = match &config.cache {
            Some(folder) => Some(Cache::open(folder, &recipe)?),
            None => None,
        };
        let next = AtomicUsize::new(0);
        // Takes image after image until there is none left or `done` says that nobody waits any more.
        let work = |done: &mut dyn FnMut() -> bool| {
            let (mut reader, mut square) = (Reader::default(), Vec::new());
            let mut part = Part::default();
            loop {
                let row = next.fetch_add(1, Ordering::Relaxed);
                let Some(record) = records.records().get(row) else {
                    return part;
                };
                let path = records.image_path(record);
                let read = guarded(&path, || {
                    let resized = reader.resized(&path, &recipe, cache.as_ref())?;
                    square.clear();
                    recipe.cut(&resized, Draw::default(), &mut square);
                    Ok(())
                });
                match read {
                    Ok(()) => part.survey.add(&square),
                    Err(error) => {
                        let path = record.path.clone();
                        let reason = error.to_string();
                        part.skipped.insert(row, Skipped { path, reason });
                    }
                }
                if !done() {
                    return part;
                }
            }
        };

        let mut count = 0;
        let mut tell = || {
            count += 1;
            if count % config.batch_size == 0 || count == records.len() {
                progress(count);
            }
        };
        let parts = std::thread::scope(|scope| -> Result<Vec<Part>> {
            let (sender, receiver) = mpsc::channel();
            let workers: Vec<_> = (0..config.threads)
                .map_while(|_| {
                    let (sender, work) = (sender.clone(), &work);
                    let work = move || work(&mut || sender.send(()).is_ok());
                    std::thread::Builder::new().spawn_scoped(scope, work).ok()
                })
                .collect();
            drop(sender);
            receiver.into_iter().for_each(|()| tell());
            // What is left where there are no threads.
            let mut parts = vec![work(&mut || {
                tell();
                true
            })];
            for worker in workers {
                parts.push(worker.join().map_err(|panic| Error::Worker {
                    batch: 0,
                    problem: panic_message(&*panic).to_owned(),
                })?);
            }
            Ok(parts)
        })?;

        let (mut survey, mut skipped) = (Self::default(), BTreeMap::new());
        for mut part in parts {
            survey.images += part.survey.images;
            survey.pixels += part.survey.pixels;
            survey.sum += part.survey.sum;
            survey.squares += part.survey.squares;
            skipped.append(&mut part.skipped);
        }
        survey.skipped = skipped.into_values().collect();
        Ok(survey)
    }

    fn add(&mut self, square: &[f32]) {
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for &value in square {
            // Exact: the value is a whole level over 255 or 65,535, and f32 is finer than half a level.
            let level = (f64::from(value) * WHITE).round() as u64;
            sum += level;
            squares += level * level; // below 2^32 each, and a square has at most 2^24 pixels
        }
        self.images += 1;
        self.pixels += square.len() as u64;
        self.sum += sum;
        self.squares += u128::from(squares);
    }

    fn measured(self, records: &Records) -> Result<Measured> {
        let impossible = |problem: String| Error::Normalization {
            file: records.file().to_path_buf(),
            problem,
        };
        if self.images == 0 {
            return Err(impossible(match self.skipped.first() {
                Some(first) => format!(
                    "none of its {} images is readable; {}",
                    self.skipped.len(),
                    first.reason
                ),
                None => "it has no images".to_owned(),
            }));
        }
        let pixels = self.pixels as f64;
        let mean = self.sum as f64 / pixels / WHITE;
        // The whole numerator of the variance: no digit cancels.
        let spread = u128::from(self.pixels) * self.squares - u128::from(self.sum).pow(2);
        if spread == 0 {
            return Err(impossible(format!("all pixels have the value {mean}")));
        }
        let std = (spread as f64).sqrt() / pixels / WHITE;
        Ok(Measured {
            normalization: Normalization {
                mean: [mean as f32; 3],
                std: [std as f32; 3],
            },
            mean,
            std,
            images: self.images,
            skipped: self.skipped,
        })
    }

    /// One number a line, and at the end the digest of what stands before it.
    fn text(&self) -> String {
        let Self {
            images,
            pixels,
            sum,
            squares,
            skipped: _,
        } = self;
        let text = format!("images {images}\npixels {pixels}\nsum {sum}\nsquares {squares}\n");
        let digest = sha256_hex(text.as_bytes());
        text + &format!("sha256 {digest}\n")
    }

    /// `None` for anything but what [`Self::text`] wrote.
    fn parse(text: &str) -> Option<Self> {
        let (content, digest) = text.strip_suffix('\n')?.split_at(text.rfind("sha256 ")?);
        if digest.strip_prefix("sha256 ")? != sha256_hex(content.as_bytes()) {
            return None;
        }
        let mut lines = content.lines();
        let mut number = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        Some(Self {
            images: number("images")?.parse().ok()?,
            pixels: number("pixels")?.parse().ok()?,
            sum: number("sum")?.parse().ok()?,
            squares: number("squares")?.parse().ok()?,
            skipped: Vec::new(),
        })
    }

    /// Whole or not at all.
    fn write(&self, folder: &Path, file: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(Error::io("make folder", folder))?;
        let mut temporary =
            tempfile::NamedTempFile::new_in(folder).map_err(Error::io("write to", folder))?;
        temporary
            .write_all(self.text().as_bytes())
            .and_then(|()| temporary.as_file().sync_all())
            .map_err(Error::io("write", temporary.path()))?;
        temporary
            .persist(file)
            .map_err(|error| Error::io("write", file)(error.error))?;
        Ok(())
    }
}

/// One thread's share.
#[derive(Default)]
struct Part {
    survey: Survey,
    /// By row.
    skipped: BTreeMap<usize, Skipped>,
}
