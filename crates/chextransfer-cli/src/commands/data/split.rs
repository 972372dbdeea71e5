//! `data split`: a dataset divided by patient.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chextransfer_data::phantom::SplitFractions;
use chextransfer_data::source::Source;
use chextransfer_data::split::{by_patient, fraction, k_fold, write_tables};
use chextransfer_data::{Records, Split, SplitStatistics};

use super::result_line;

/// The tables are written in CheXpert's columns; images stay where they are.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true)))]
pub(crate) struct Arguments {
    /// The folder of the dataset's tables, or of source `plain` the CSV
    tables: PathBuf,
    /// chexpert, nih, mimic, mimic-negbio or plain
    #[arg(long, default_value = "chexpert")]
    source: Source,
    /// The folder below which the images lie [default: that of the tables]
    #[arg(long)]
    images: Option<PathBuf>,
    /// Divide all patients by these shares, stratified by observation; a split of share 0 is left out
    #[arg(long, group = "how", value_name = "TRAIN,VALID,TEST")]
    shares: Option<SplitFractions>,
    /// Divide into so many folds: folders fold0, fold1 and so on, each with its own valid.csv and the rest in train.csv
    #[arg(long, group = "how", value_name = "COUNT")]
    folds: Option<usize>,
    /// Keep this share of the training patients, above 0 to 1; of one seed, the smaller lies within the greater
    #[arg(long, group = "how", value_name = "SHARE")]
    fraction: Option<f64>,
    /// Keep the source's own splits
    #[arg(long, group = "how")]
    as_is: bool,
    /// With --shares or --folds, leave the source's test split as it is and divide the rest
    #[arg(long, conflicts_with_all = ["fraction", "as_is"])]
    keep_test: bool,
    /// The same seed divides the same way
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder for the new tables; it must not hold anything yet
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let Arguments {
        tables,
        source,
        images,
        seed,
        out,
        ..
    } = &arguments;
    let beside = if tables.is_file() {
        tables.parent().unwrap_or(Path::new("."))
    } else {
        tables
    };
    refuse_occupied(out)?;
    let converted = source.read(tables, images.as_deref().unwrap_or(beside))?;
    for note in &converted.notes {
        eprintln!("note: {note}");
    }
    let (kept, divided): (Vec<_>, Vec<_>) = converted
        .splits
        .into_iter()
        .partition(|(split, _)| arguments.keep_test && *split == Split::Test);
    if arguments.keep_test && kept.is_empty() {
        bail!("{} has no test split to keep", tables.display());
    }
    if let Some(shares) = arguments.shares {
        let SplitFractions { train, valid, test } = shares;
        let shares = [
            (Split::Train, train),
            (Split::Valid, valid),
            (Split::Test, test),
        ];
        if arguments.keep_test && test > 0.0 {
            bail!("--keep-test keeps the test split, so its share must be 0, found {test}");
        }
        let asked: Vec<_> = shares
            .into_iter()
            .filter(|(_, share)| *share != 0.0)
            .collect();
        let mut parts = by_patient(&pooled(&divided)?, &asked, *seed)?;
        parts.extend(kept);
        return write(&parts, out);
    }
    if let Some(folds) = arguments.folds {
        let all = pooled(&divided)?;
        let folds = k_fold(&all, folds, *seed)?;
        for number in 0..folds.len() {
            let (train, valid) = folds.fold(number)?;
            let mut parts = vec![(Split::Train, train), (Split::Valid, valid)];
            parts.extend(kept.iter().cloned());
            write(&parts, &out.join(format!("fold{number}")))?;
        }
        return Ok(());
    }
    let parts = match arguments.fraction {
        None => divided,
        Some(share) => divided
            .into_iter()
            .map(|(split, records)| match split {
                Split::Train => Ok((split, fraction(&records, share, *seed)?)),
                Split::Valid | Split::Test => Ok((split, records)),
            })
            .collect::<Result<_>>()?,
    };
    write(&parts, out)
}

fn pooled(splits: &[(Split, Records)]) -> Result<Records> {
    Ok(Records::concat(splits.iter().map(|(_, records)| records))?)
}

fn refuse_occupied(out: &Path) -> Result<()> {
    match fs::read_dir(out).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(count) => bail!(
            "{} holds {count} entries, expected an empty or new folder",
            out.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot write to {}", out.display())),
    }
}

fn write(parts: &[(Split, Records)], out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    write_tables(parts, out)?;
    for (split, records) in parts {
        let SplitStatistics {
            rows,
            patients,
            studies,
            ..
        } = SplitStatistics::of(records.records());
        let file = out.join(format!("{split}.csv"));
        result_line!(
            "{}: {rows} images of {studies} studies of {patients} patients",
            file.display()
        );
    }
    Ok(())
}
