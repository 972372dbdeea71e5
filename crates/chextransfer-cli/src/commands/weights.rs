//! `weights`: the known checkpoints, and their files on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chextransfer_models::Architecture;
use chextransfer_models::weights::{Checkpoint, Located, Manifest, Pin, WeightStore};
use serde_json::json;

use super::result_line;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the known checkpoints, and which of them our cache has
    List(List),
    /// Print a checkpoint's verified file, fetched if this machine has none
    Fetch(Fetch),
    /// Print a checkpoint's verified file and its SHA-256, or fail if this machine has none
    Where(Where),
    /// Read every file of our cache again, and fail if one has changed
    Verify(Verify),
}

#[derive(clap::Args)]
struct List {
    /// Only this architecture's
    #[arg(long)]
    architecture: Option<Architecture>,
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    known: Known,
}

#[derive(clap::Args)]
struct Fetch {
    /// Ids, or architectures for their default checkpoints
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// Every known checkpoint
    #[arg(long)]
    all: bool,
    /// Never open a socket (as does HF_HUB_OFFLINE=1)
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    known: Known,
}

#[derive(clap::Args)]
struct Where {
    /// An id, or an architecture for its default checkpoint
    name: String,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    known: Known,
}

#[derive(clap::Args)]
struct Verify {
    /// Ids or architectures; the whole cache without
    names: Vec<String>,
    #[command(flatten)]
    known: Known,
}

#[derive(clap::Args)]
pub(crate) struct Folders {
    /// Also look in this folder, for ID/FILE, ID.EXTENSION and FILE; may be repeated
    #[arg(long = "weights-dir", value_name = "DIR")]
    folders: Vec<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Known {
    /// Rows of your own, in the format of weights-manifest.toml
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

impl Known {
    fn manifest(&self) -> Result<Manifest> {
        let carried = Manifest::carried()?;
        Ok(match &self.manifest {
            None => carried,
            Some(path) => carried.extended_by(path)?,
        })
    }
}

impl Folders {
    fn store(&self) -> Result<WeightStore> {
        let mut store = WeightStore::from_environment()?;
        store.folders.clone_from(&self.folders);
        Ok(store)
    }
}

/// A file, or the name of a checkpoint, which is found or fetched: what `--weights` takes elsewhere.
pub(crate) fn resolve(
    given: &Path,
    known: &Known,
    folders: &Folders,
    offline: bool,
) -> Result<(PathBuf, Option<Checkpoint>)> {
    if given.exists() {
        return Ok((given.to_owned(), None));
    }
    let manifest = known.manifest()?;
    let name = given.to_string_lossy();
    let row = manifest
        .find(&name)
        .with_context(|| format!("{name} is no file, so it was taken for a checkpoint"))?;
    let mut store = folders.store()?;
    store.offline |= offline;
    let located = fetch_one(&store, row)?;
    notes(row, &located);
    Ok((located.path, Some(row.clone())))
}

pub(crate) fn run(
    Arguments {
        command,
        list: bare,
    }: Arguments,
) -> Result<()> {
    match command {
        None => list(bare),
        Some(Command::List(arguments)) => list(arguments),
        Some(Command::Fetch(arguments)) => fetch(arguments),
        Some(Command::Where(arguments)) => locate(arguments),
        Some(Command::Verify(arguments)) => verify(arguments),
    }
}

fn list(arguments: List) -> Result<()> {
    let store = WeightStore::from_environment()?;
    let mut rows = Vec::new();
    for row in arguments.known.manifest()?.checkpoints {
        if arguments
            .architecture
            .is_none_or(|asked| asked == row.architecture)
        {
            let cached = store.cached(&row)?.into_iter().next();
            rows.push((row, cached.map(|entry| entry.path)));
        }
    }
    if arguments.json {
        let object = |(row, cached): &(Checkpoint, Option<PathBuf>)| {
            json!({
                "id": row.id,
                "architecture": row.architecture.name(),
                "url": row.url,
                "file": row.file,
                "classes": row.classes,
                "parameters": row.parameters,
                "top1": row.top1,
                "licence": row.licence,
                "pin": pin(row),
                "cached": cached,
            })
        };
        let objects: Vec<_> = rows.iter().map(object).collect();
        result_line!("{}", serde_json::to_string_pretty(&objects)?);
        return Ok(());
    }
    result_line!(
        "{:<34} {:<18} {:>10} {:>6} {:<13} {:<13} cached",
        "checkpoint",
        "architecture",
        "parameters",
        "top-1",
        "licence",
        "pin"
    );
    for (row, cached) in rows {
        result_line!(
            "{:<34} {:<18} {:>10} {:>6.2} {:<13} {:<13} {}",
            row.id,
            row.architecture.name(),
            row.parameters,
            row.top1,
            row.licence,
            pin(&row),
            if cached.is_some() { "yes" } else { "no" }
        );
    }
    Ok(())
}

/// How the content is known, as the manifest writes it.
fn pin(row: &Checkpoint) -> &'static str {
    match row.pin {
        Pin::Sha256(_) => "sha256",
        Pin::Sha256Prefix(_) => "sha256-prefix",
        Pin::FirstUse => "first-use",
    }
}

fn fetch(arguments: Fetch) -> Result<()> {
    let manifest = arguments.known.manifest()?;
    let mut store = arguments.folders.store()?;
    store.offline |= arguments.offline;
    let rows: Vec<_> = match arguments.all {
        true => manifest.checkpoints.iter().collect(),
        false => (arguments.names.iter())
            .map(|name| manifest.find(name))
            .collect::<chextransfer_models::Result<_>>()?,
    };
    // One file that cannot be had keeps nobody from the others.
    let mut failed = Vec::new();
    for row in &rows {
        match fetch_one(&store, row) {
            Ok(located) => {
                notes(row, &located);
                result_line!("{}", located.path.display());
            }
            Err(error) if rows.len() == 1 => return Err(error),
            Err(error) => {
                eprintln!("{}: {error:#}", row.id);
                failed.push(row.id.as_str());
            }
        }
    }
    match failed.len() {
        0 => Ok(()),
        count => bail!(
            "{count} of {} could not be had: {}",
            rows.len(),
            failed.join(", ")
        ),
    }
}

#[cfg(feature = "download")]
fn fetch_one(store: &WeightStore, row: &Checkpoint) -> Result<Located> {
    use std::ops::ControlFlow;

    let bar = indicatif::ProgressBar::no_length().with_prefix(row.id.clone());
    let mut announced = false;
    let fetched = store.fetch(row, &mut |received, total| {
        if !announced && total.is_some() && bar.is_hidden() {
            eprintln!("{}: fetching {} bytes", row.id, total.unwrap_or(0));
        }
        announced |= total.is_some();
        if let (Some(total), None) = (total, bar.length()) {
            bar.set_length(total);
            if let Ok(style) = indicatif::ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
        }
        bar.set_position(received);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    Ok(fetched?)
}

#[cfg(feature = "download")]
const TEMPLATE: &str = "{prefix} {bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";

#[cfg(not(feature = "download"))]
fn fetch_one(store: &WeightStore, row: &Checkpoint) -> Result<Located> {
    Ok(store.require(row)?)
}

fn locate(arguments: Where) -> Result<()> {
    let manifest = arguments.known.manifest()?;
    let row = manifest.find(&arguments.name)?;
    let located = arguments.folders.store()?.require(row)?;
    notes(row, &located);
    result_line!("{} {}", located.path.display(), located.sha256);
    Ok(())
}

/// What a user should know of a file besides its path.
fn notes(row: &Checkpoint, located: &Located) {
    for rejected in &located.rejected {
        eprintln!("{}: {rejected}", row.id);
    }
    if let Some(reason) = &located.unrecorded {
        eprintln!("{}: {reason}", row.id);
    }
    eprintln!("{}: {located}", row.id);
}

fn verify(arguments: Verify) -> Result<()> {
    let store = WeightStore::from_environment()?;
    let entries = match arguments.names.as_slice() {
        [] => store.entries()?,
        names => {
            let manifest = arguments.known.manifest()?;
            let mut entries = Vec::new();
            for name in names {
                let row = manifest.find(name)?;
                let cached = store.cached(row)?;
                if cached.is_empty() {
                    bail!("{} is not in the cache {}", row.id, store.cache.display());
                }
                entries.extend(cached);
            }
            entries
        }
    };
    let mut wrong = 0;
    for entry in &entries {
        match entry.verify() {
            Ok(()) => result_line!("{}: right", entry.path.display()),
            Err(error) => {
                wrong += 1;
                result_line!("{error}");
            }
        }
    }
    match wrong {
        0 => Ok(()),
        wrong => bail!("{wrong} of {} files are not what they were", entries.len()),
    }
}
