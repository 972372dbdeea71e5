//! Images a second from a CheXpert-style folder to normalised float batches of 16; run by
//! `tests/reference/loader_speed.py`, which measures torchvision beside it.
//!
//! `loader_speed FOLDER SIDE CACHE` prints one line a measurement: name, images, seconds passed, seconds of processor time.
//! `CACHE` is a folder that does not exist yet.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chextransfer_data::{
    CheXpert, CropPosition, Error, ImageRecipe, LabelProblem, Loader, LoaderConfig, Normalization,
    Records, Split,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, side, cache] = arguments.as_slice() else {
        return Err("usage: loader_speed FOLDER SIDE CACHE".into());
    };
    let records = Arc::new(CheXpert::open(folder)?.split(Split::Train)?);
    let side: u32 = side.parse()?;
    floor(&records)?;
    epoch("decode", &loader(&records, side, None)?, false)?;
    epoch("decode, replicated", &loader(&records, side, None)?, true)?;
    epoch("fill cache", &loader(&records, side, Some(cache))?, false)?;
    let loader = loader(&records, side, Some(cache))?;
    epoch("cache, first use in a run", &loader, false)?;
    epoch("cache", &loader, false)?;
    epoch("cache, replicated", &loader, true)?;
    Ok(())
}

fn loader(records: &Arc<Records>, side: u32, cache: Option<&str>) -> Result<Loader, Error> {
    let recipe = ImageRecipe {
        resize: side,
        crop: side,
        position: CropPosition::Random,
        ..ImageRecipe::paper()
    };
    let config = LoaderConfig {
        cache: cache.map(Into::into),
        ..LoaderConfig::default()
    };
    Loader::new(Arc::clone(records), recipe, LabelProblem::paper(), config)
}

/// The JPEG decoder alone, on two threads, the files being read before.
fn floor(records: &Records) -> Result<()> {
    let files: Vec<Vec<u8>> = records
        .records()
        .iter()
        .map(|record| std::fs::read(records.image_path(record)))
        .collect::<Result<_, _>>()?;
    let begin = Clock::start()?;
    std::thread::scope(|scope| {
        for files in files.chunks(files.len().div_ceil(2)) {
            scope.spawn(move || {
                for file in files {
                    let pixels = JpegDecoder::new(ZCursor::new(file.as_slice())).decode();
                    std::hint::black_box(pixels.is_ok());
                }
            });
        }
    });
    begin.print("JPEG decoder alone", files.len())
}

/// One epoch, normalised as ImageNet is; `replicated` to three channels each with statistics of its own.
fn epoch(name: &str, loader: &Loader, replicated: bool) -> Result<()> {
    let Normalization { mean, std } = Normalization::IMAGENET;
    let mut images = 0;
    let mut sum = 0.0;
    let begin = Clock::start()?;
    for batch in loader.shuffled(0, 0, 0) {
        let mut batch = batch?;
        if let Some(skipped) = batch.skipped.first() {
            return Err(skipped.reason.clone().into());
        }
        images += batch.indices.len();
        if replicated {
            let plane = batch.side * batch.side;
            let mut colour = Vec::with_capacity(3 * batch.images.len());
            for image in batch.images.chunks_exact(plane) {
                for channel in 0..3 {
                    let (scale, offset) = (1.0 / std[channel], mean[channel] / std[channel]);
                    colour.extend(image.iter().map(|value| value * scale - offset));
                }
            }
            batch.images = colour;
        } else {
            let (scale, offset) = (1.0 / std[0], mean[0] / std[0]);
            for value in &mut batch.images {
                *value = *value * scale - offset;
            }
        }
        sum += batch.images.last().copied().unwrap_or(0.0);
    }
    std::hint::black_box(sum);
    begin.print(name, images)
}

struct Clock {
    wall: Instant,
    processor: f64,
}

impl Clock {
    fn start() -> Result<Self> {
        Ok(Self {
            wall: Instant::now(),
            processor: processor_seconds()?,
        })
    }

    #[allow(clippy::print_stdout)] // the result
    fn print(self, name: &str, images: usize) -> Result<()> {
        println!(
            "{name}\t{images}\t{:.4}\t{:.4}",
            self.wall.elapsed().as_secs_f64(),
            processor_seconds()? - self.processor
        );
        Ok(())
    }
}

/// Time that all threads of this process have had a processor, those that ended included; from Linux's `/proc`, in steps of
/// a hundredth of a second.
fn processor_seconds() -> Result<f64> {
    let text = std::fs::read_to_string(Path::new("/proc/self/stat"))?;
    // The name in brackets may hold anything; user and system time are the 12th and 13th field behind it.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.map(str::parse::<f64>).sum::<Result<_, _>>()?;
    Ok(ticks / 100.0)
}
