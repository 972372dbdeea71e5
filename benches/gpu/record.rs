//! The measurements one after the other, as tables.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use chextransfer::models::{Architecture, DeviceChoice};

use crate::plan::Plan;
use crate::side::{Side, measure};
use crate::{CLASSES, Measured, Numbers, Step};

const TITLE: &str = "\n## Record\n";

/// Measures, prints and keeps what it has, table by table.
pub(crate) fn write(plan: &Plan) -> Result<()> {
    let mut page = Page {
        plan,
        lines: Vec::new(),
    };
    let settings = format!(
        "{}, {side}x{side}, {} rounds of {} steps behind {} that are not counted, a process for each measurement; \
         medians.",
        plan.date,
        plan.rounds,
        plan.steps,
        plan.warm_up,
        side = plan.side
    );
    page.add(settings);
    if plan.pytorch().is_empty() {
        page.add("PyTorch was not found: our side alone, without ratios.".to_owned());
    }
    let rates = matrix_rates(&mut page)?;
    for (&numbers, rate) in plan.numbers.iter().zip(rates) {
        training(&mut page, numbers, rate)?;
    }
    if plan.patients > 0 {
        feeding(&mut page)?;
    }
    parity(&mut page)
}

struct Page<'a> {
    plan: &'a Plan,
    lines: Vec<String>,
}

impl Page<'_> {
    fn add(&mut self, line: String) {
        println!("{line}");
        self.lines.push(line);
    }

    fn table(&mut self, title: &str, columns: &[&str]) {
        self.add(format!("\n### {title}\n"));
        self.row(columns);
        self.row(&vec!["---"; columns.len()]);
    }

    fn row(&mut self, cells: &[impl AsRef<str>]) {
        let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
        self.add(format!("| {} |", cells.join(" | ")));
    }

    /// Puts what there is in place of the page's record.
    fn keep(&self) -> Result<()> {
        let Some(file) = &self.plan.out else {
            return Ok(());
        };
        let page = match file.exists() {
            true => fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?,
            false => String::new(),
        };
        let before = page.split(TITLE).next().unwrap_or_default();
        let text = format!("{before}{TITLE}\n{}\n", self.lines.join("\n"));
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// The one in the middle.
fn median(seconds: &[f64]) -> f64 {
    let mut seconds = seconds.to_vec();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Multiplications and additions a second of a large product: the better side's, or nothing where both fail.
fn matrix_rates(page: &mut Page) -> Result<Vec<Option<f64>>> {
    let plan = page.plan;
    page.table("Matrix rate", &["numbers", "by", "GFLOP/s", "device"]);
    let mut rates = Vec::new();
    for &numbers in &plan.numbers {
        let mut best: Option<f64> = None;
        let ours = plan.devices.iter().map(|device| (Side::Ours, *device));
        let theirs = plan
            .pytorch()
            .into_iter()
            .take(1)
            .map(|side| (side, plan.devices[0]));
        for (side, device) in ours.chain(theirs) {
            let by = match &side {
                Side::Ours => device.to_string(),
                Side::PyTorch { .. } => "PyTorch".to_owned(),
            };
            match side.product(&plan.product(device, numbers), plan.limit()) {
                Ok(measured) => {
                    let rate = 2.0 * (plan.product as f64).powi(3) / median(&measured.seconds);
                    best = best.into_iter().chain([rate]).reduce(f64::max);
                    page.row(&[
                        numbers.name(),
                        &by,
                        &format!("{:.1}", rate / 1e9),
                        &measured.made_on,
                    ]);
                }
                Err(error) => page.row(&[numbers.name(), &by, "failed", &in_a_cell(&error)]),
            }
        }
        rates.push(best);
    }
    page.keep()?;
    Ok(rates)
}

/// Who, with which batch, and what came of it.
struct Trained {
    by: String,
    is_ours: bool,
    batch: usize,
    measured: Result<Measured>,
}

fn training(page: &mut Page, numbers: Numbers, rate: Option<f64>) -> Result<()> {
    let plan = page.plan;
    let columns = [
        "network",
        "batch",
        "by",
        "images/s",
        "to PyTorch's best",
        "share of the matrix rate",
        "peak MiB",
    ];
    page.table(&format!("Training in {}", numbers.name()), &columns);
    for &network in &plan.networks {
        let spec = network.spec().with_classes(CLASSES)?.without_auxiliary();
        // A backward pass makes two products for each of the forward pass.
        let work = 3.0 * 2.0 * spec.macs([plan.side; 2])? as f64;
        let fixed = train_all(plan, network, numbers, |_| Some(plan.batch));
        let largest = largest_batches(plan, network, numbers);
        let at_largest = train_all(plan, network, numbers, |place| {
            largest
                .get(place)
                .copied()
                .flatten()
                .filter(|batch| *batch != plan.batch)
        });
        for group in [fixed, at_largest] {
            let speed = |trained: &Trained| {
                let seconds = median(&trained.measured.as_ref().ok()?.seconds);
                Some((trained.batch * plan.steps) as f64 / seconds)
            };
            let theirs = group.iter().filter(|trained| !trained.is_ours);
            let best = theirs.filter_map(speed).reduce(f64::max);
            for trained in &group {
                let (name, batch) = (network.name(), trained.batch.to_string());
                let cells = match (&trained.measured, speed(trained)) {
                    (Ok(measured), Some(speed)) => [
                        format!("{speed:.1}"),
                        match best {
                            Some(best) if trained.is_ours => format!("{:.2}", speed / best),
                            _ => String::new(),
                        },
                        rate.map_or(String::new(), |rate| {
                            format!("{:.1} %", 100.0 * speed * work / rate)
                        }),
                        measured
                            .peak_bytes
                            .map_or("unknown".to_owned(), |bytes| (bytes >> 20).to_string()),
                    ],
                    (Err(error), _) => [
                        in_a_cell(error),
                        String::new(),
                        String::new(),
                        String::new(),
                    ],
                    (Ok(_), None) => Default::default(),
                };
                let first = [name, &batch, &trained.by];
                let cells: Vec<&str> = first
                    .into_iter()
                    .chain(cells.iter().map(String::as_str))
                    .collect();
                page.row(&cells);
            }
        }
        page.keep()?;
    }
    Ok(())
}

/// Every side: ours on each device, then PyTorch's ways.
fn sides(plan: &Plan) -> Vec<(Side, DeviceChoice)> {
    let ours = plan.devices.iter().map(|device| (Side::Ours, *device));
    let theirs = plan
        .pytorch()
        .into_iter()
        .map(|side| (side, plan.devices[0]));
    ours.chain(theirs).collect()
}

fn train_all(
    plan: &Plan,
    network: Architecture,
    numbers: Numbers,
    batch: impl Fn(usize) -> Option<usize>,
) -> Vec<Trained> {
    let sides = sides(plan).into_iter().enumerate();
    let wanted = sides.filter_map(|(place, side)| Some((side, batch(place)?)));
    let train = wanted.map(|((side, device), batch)| Trained {
        by: match &side {
            Side::Ours => device.to_string(),
            Side::PyTorch { .. } => format!("PyTorch, {}", side.name()),
        },
        is_ours: side == Side::Ours,
        batch,
        measured: side.train(&plan.step(network, device, numbers, batch), plan.limit()),
    });
    train.collect()
}

/// The largest batch that each side has memory for, in doublings; `None` where not even the first works. PyTorch's ways
/// share one.
fn largest_batches(plan: &Plan, network: Architecture, numbers: Numbers) -> Vec<Option<usize>> {
    let mut of_pytorch = None;
    let mut all = Vec::new();
    for (side, device) in sides(plan) {
        let fits = |batch: usize| {
            let once = Step {
                warm_up: 1,
                steps: 1,
                rounds: 1,
                ..plan.step(network, device, numbers, batch)
            };
            side.train(&once, plan.limit()).is_ok()
        };
        let search = || {
            let batches = std::iter::successors(Some(plan.batch), |batch| Some(batch * 2));
            let batches = batches.take_while(|batch| *batch <= plan.largest);
            batches
                .take_while(|batch| *batch == plan.batch || fits(*batch))
                .last()
        };
        all.push(match side {
            Side::Ours => search(),
            Side::PyTorch { .. } => *of_pytorch.get_or_insert_with(search),
        });
    }
    all
}

fn feeding(page: &mut Page) -> Result<()> {
    let plan = page.plan;
    let columns = [
        "network",
        "numbers",
        "device",
        "loader alone, images/s",
        "run from files, images/s",
        "waiting for data",
    ];
    let title = format!(
        "Feeding the device from JPEG files, {} threads",
        plan.threads
    );
    page.table(&title, &columns);
    for &network in &plan.networks {
        for &device in &plan.devices {
            for &numbers in plan
                .numbers
                .iter()
                .filter(|numbers| **numbers != Numbers::Tf32)
            {
                let mut command = Side::Ours.command("feed", &device.to_string())?;
                command.args(["--network", network.name(), "--numbers", numbers.name()]);
                for (name, number) in [
                    ("--batch", plan.batch),
                    ("--side", plan.side),
                    ("--threads", plan.threads),
                    ("--patients", plan.patients),
                ] {
                    command.args([name, &number.to_string()]);
                }
                let number = |value: Option<f64>, digits| {
                    value.map_or(String::new(), |value| format!("{value:.digits$}"))
                };
                let cells = match measure(command, plan.limit()) {
                    Ok(run) => [
                        number(run.loaded_per_second, 1),
                        number(run.images_per_second, 1),
                        number(run.waiting.map(|share| share * 100.0), 1) + " %",
                    ],
                    Err(error) => [in_a_cell(&error), String::new(), String::new()],
                };
                let device = device.to_string();
                let first = [network.name(), numbers.name(), &device];
                let cells: Vec<&str> = first
                    .into_iter()
                    .chain(cells.iter().map(String::as_str))
                    .collect();
                page.row(&cells);
            }
        }
    }
    page.keep()
}

/// The suite of `chextransfer-models` on every device, whose rows are those of `docs/parity.md`.
fn parity(page: &mut Page) -> Result<()> {
    let Some(program) = &page.plan.parity else {
        return Ok(());
    };
    for device in page.plan.devices.clone() {
        let columns = [
            "network",
            "maps",
            "logits",
            "median gradient",
            "gradients",
            "statistics",
            "losses",
        ];
        page.table(
            &format!("Parity on {device}, each beside torch's own float32"),
            &columns,
        );
        let output = Command::new(program)
            .env("CHEXTRANSFER_TEST_DEVICE", device.to_string())
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut rows: Vec<_> = (String::from_utf8_lossy(&output.stderr).lines())
            .filter(|line| line.starts_with("| "))
            .map(str::to_owned)
            .collect();
        rows.sort();
        rows.into_iter().for_each(|row| page.add(row));
        let told = String::from_utf8_lossy(&output.stdout);
        let result = told.lines().find(|line| line.starts_with("test result"));
        page.add(format!("\n{}", result.unwrap_or("the suite did not end")));
        page.keep()?;
    }
    Ok(())
}

/// What fits in a table.
fn in_a_cell(error: &anyhow::Error) -> String {
    let text: String = format!("{error:#}").chars().take(120).collect();
    text.replace('|', "/").replace('\n', " ")
}
