//! `data stats`: what a split holds.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use chextransfer_data::{
    CheXpert, ImageRecipe, LoaderConfig, Measured, Normalization, Observation, Records, Split,
    SplitStatistics,
};
use serde_json::json;

use super::counter::Counter;
use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The dataset's folder
    data: PathBuf,
    /// train, valid or test
    #[arg(long, default_value = "train")]
    split: Split,
    /// Side in pixels to which images are resized and cropped, in the middle, before they are measured
    #[arg(long, default_value_t = 320)]
    image_size: u32,
    /// Count rows only; measure no image
    #[arg(long)]
    no_images: bool,
    /// Print an object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let records = Arc::new(CheXpert::open(&arguments.data)?.split(arguments.split)?);
    let statistics = SplitStatistics::of(records.records());
    let measured = match arguments.no_images {
        true => None,
        false => Some(measure(&records, arguments.image_size)?),
    };
    if arguments.json {
        let measured = measured.map(|measured| {
            let skipped = measured.skipped.iter();
            json!({
                "image_size": arguments.image_size,
                "images": measured.images,
                "mean": measured.normalization.mean[0],
                "std": measured.normalization.std[0],
                "skipped": skipped.map(|s| json!({"path": s.path, "reason": s.reason})).collect::<Vec<_>>(),
            })
        });
        let object = json!({
            "table": records.file().display().to_string(),
            "sha256": records.digest(),
            "version": env!("CARGO_PKG_VERSION"),
            "statistics": statistics,
            "pixels": measured,
        });
        result_line!("{}", serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    print(&records, &statistics);
    if let Some(measured) = measured {
        let Normalization { mean, std } = measured.normalization;
        let side = arguments.image_size;
        result_line!(
            "\nmean {:.6}, standard deviation {:.6} of {} images at {side}x{side}",
            mean[0],
            std[0],
            measured.images
        );
        for skipped in &measured.skipped {
            eprintln!("left out {}: {}", skipped.path, skipped.reason);
        }
    }
    Ok(())
}

fn measure(records: &Arc<Records>, side: u32) -> Result<Measured> {
    let recipe = ImageRecipe {
        resize: side,
        crop: side,
        ..ImageRecipe::paper()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let config = LoaderConfig {
        threads,
        queue: 2 * threads,
        ..LoaderConfig::default()
    };
    let counter = Counter::new("images");
    let of = records.len();
    let measured = Normalization::measure(records, recipe, config, |done| counter.set(done, of))?;
    counter.finish();
    Ok(measured)
}

fn print(records: &Records, statistics: &SplitStatistics) {
    let SplitStatistics {
        rows,
        patients,
        studies,
        frontal,
        lateral,
        female,
        male,
        labels,
    } = statistics;
    result_line!("{}, SHA-256 {}", records.file().display(), records.digest());
    result_line!("{rows} images of {studies} studies of {patients} patients");
    result_line!("{frontal} frontal, {lateral} lateral; {female} of women, {male} of men\n");
    result_line!(
        "{:<26} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "observation",
        "positive",
        "negative",
        "uncertain",
        "blank",
        "positive"
    );
    for (observation, counts) in Observation::ALL.into_iter().zip(labels) {
        result_line!(
            "{:<26} {:>9} {:>9} {:>9} {:>9} {:>7.2} %",
            observation.name(),
            counts.positive,
            counts.negative,
            counts.uncertain,
            counts.blank,
            100.0 * counts.positive as f64 / *rows as f64
        );
    }
}
