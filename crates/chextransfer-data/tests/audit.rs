//! The audit held against a clean phantom tree, and against copies of it with one defect each.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use chextransfer_data::audit::{Audit, AuditConfig, FindingKind, Severity};
use chextransfer_data::phantom::{self, PhantomConfig, SplitFractions};
use chextransfer_data::{COLUMNS, Split};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma};
use tempfile::TempDir;

/// A phantom tree that is large enough for every split to have every observation.
fn clean() -> &'static Path {
    static TREE: OnceLock<TempDir> = OnceLock::new();
    let folder = TREE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let config = PhantomConfig {
            patients: 260,
            seed: 3,
            side: 64,
            splits: SplitFractions {
                train: 0.4,
                valid: 0.3,
                test: 0.3,
            },
            ..PhantomConfig::default()
        };
        phantom::generate(&config, &folder.path().join("phantom"), |_, _| ()).unwrap();
        folder
    });
    static CLEAN: OnceLock<PathBuf> = OnceLock::new();
    CLEAN.get_or_init(|| folder.path().join("phantom"))
}

fn audit(root: &Path) -> Audit {
    Audit::run(root, &AuditConfig::default(), |_, _| ()).unwrap()
}

/// A copy of the clean tree that a test may spoil.
struct Copy(TempDir);

/// A row of a table: its split and its place below the header.
type Place = (Split, usize);

impl Copy {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        link(clean(), folder.path());
        Self(folder)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn rows(&self, split: Split) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.root().join(format!("{split}.csv"))).unwrap();
        let lines = text.lines().skip(1);
        lines
            .map(|line| line.split(',').map(str::to_owned).collect())
            .collect()
    }

    fn write(&self, split: Split, rows: &[Vec<String>]) {
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let text = format!("{}\n{}\n", COLUMNS.join(","), lines.join("\n"));
        fs::write(self.root().join(format!("{split}.csv")), text).unwrap();
    }

    fn path(&self, (split, row): Place) -> String {
        self.rows(split)[row][0].clone()
    }

    fn file(&self, place: Place) -> PathBuf {
        let path = self.path(place);
        self.root().join(path.split_once('/').unwrap().1)
    }

    fn picture(&self, place: Place) -> GrayImage {
        image::open(self.file(place)).unwrap().into_luma8()
    }

    /// Puts other bytes in an image's place; the clean tree's file is another link and stays.
    fn replace(&self, place: Place, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let file = self.file(place);
        fs::remove_file(&file).unwrap();
        fs::write(file, bytes).unwrap();
        vec![self.path(place)]
    }

    fn set(&self, (split, row): Place, column: &str, value: &str) -> Vec<String> {
        let mut rows = self.rows(split);
        rows[row][place_of(column)] = value.to_owned();
        self.write(split, &rows);
        vec![rows[row][0].clone()]
    }

    /// Sets a column of a whole split.
    fn set_all(&self, split: Split, column: &str, value: &str) {
        let mut rows = self.rows(split);
        for row in &mut rows {
            row[place_of(column)] = value.to_owned();
        }
        self.write(split, &rows);
    }

    fn push(&self, split: Split, row: Vec<String>) {
        let mut rows = self.rows(split);
        rows.push(row);
        self.write(split, &rows);
    }
}

fn place_of(column: &str) -> usize {
    COLUMNS.iter().position(|name| *name == column).unwrap()
}

/// Links images and copies tables; masks are of no concern.
fn link(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            link(&from, &to);
        } else if from.extension().is_some_and(|kind| kind == "csv") {
            fs::copy(from, to).unwrap();
        } else if from.extension().is_some_and(|kind| kind == "jpg") {
            fs::hard_link(from, to).unwrap();
        }
    }
}

fn jpeg(image: &GrayImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    DynamicImage::from(image.clone())
        .write_with_encoder(encoder)
        .unwrap();
    bytes
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The picture as another export of the same radiograph would have it.
fn exported_again(image: &GrayImage) -> Vec<u8> {
    let larger = image::imageops::resize(image, 96, 100, image::imageops::FilterType::CatmullRom);
    let paler = GrayImage::from_fn(96, 100, |x, y| {
        Luma([(30.0 + 0.8 * f32::from(larger.get_pixel(x, y)[0])) as u8])
    });
    jpeg(&paler, 70)
}

/// Rows of different patients, all frontal.
const TRAIN: [Place; 2] = [(Split::Train, 0), (Split::Train, 50)];
const VALID: Place = (Split::Valid, 0);

/// Spoils a copy and returns the paths of the rows that the finding is to name.
type Plant = fn(&Copy) -> Vec<String>;

/// One of each kind, some in two ways.
#[rustfmt::skip]
const PLANTS: [(FindingKind, Plant); 28] = {
    use FindingKind as K;
    [
        (K::UnreadableTable, |tree| {
            let file = tree.root().join("valid.csv");
            let text = fs::read_to_string(&file).unwrap().replacen("Fracture", "Frakture", 1);
            fs::write(file, text).unwrap();
            Vec::new()
        }),
        (K::BadRow, |tree| {
            tree.set(TRAIN[1], "Fracture", "2.0");
            vec![String::new()]
        }),
        (K::BadRow, |tree| {
            let mut rows = tree.rows(Split::Train);
            rows[9].pop();
            tree.write(Split::Train, &rows);
            vec![String::new()]
        }),
        (K::PathOutside, |tree| {
            let path = "CheXpert-v1.0/train/../../other/patient00001/study1/view1_frontal.jpg";
            tree.set(TRAIN[1], "Path", path);
            vec![path.to_owned()]
        }),
        (K::PathOutside, |tree| {
            let path = "/data/train/patient00001/study1/view1_frontal.jpg";
            tree.set(TRAIN[1], "Path", path);
            vec![path.to_owned()]
        }),
        (K::PatientOverlap, |tree| {
            // A further study of the first training patient, with a picture of its own.
            let path = "CheXpert-v1.0/valid/patient00001/study9/view1_frontal.jpg";
            let file = tree.root().join("valid/patient00001/study9/view1_frontal.jpg");
            let other = TempDir::new().unwrap();
            let config = PhantomConfig { patients: 3, seed: 99, side: 64, ..PhantomConfig::default() };
            phantom::generate(&config, &other.path().join("tree"), |_, _| ()).unwrap();
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::copy(other.path().join("tree/train/patient00001/study1/view1_frontal.jpg"), file).unwrap();
            let mut row = tree.rows(Split::Valid)[0].clone();
            row[0] = path.to_owned();
            tree.push(Split::Valid, row);
            let of_patient = |row: &Vec<String>| row[0].contains("/patient00001/").then(|| row[0].clone());
            let mut paths: Vec<String> = tree.rows(Split::Train).iter().filter_map(of_patient).collect();
            paths.push(path.to_owned());
            paths
        }),
        (K::MissingFile, |tree| {
            fs::remove_file(tree.file(VALID)).unwrap();
            vec![tree.path(VALID)]
        }),
        (K::TruncatedFile, |tree| {
            let bytes = fs::read(tree.file(VALID)).unwrap();
            tree.replace(VALID, &bytes[..bytes.len() / 2])
        }),
        (K::TruncatedFile, |tree| {
            let bytes = png(tree.picture(VALID));
            tree.replace(VALID, &bytes[..bytes.len() - 30])
        }),
        (K::UnreadableFile, |tree| tree.replace(VALID, "this is no image")),
        (K::UnreadableFile, |tree| {
            // A folder stands where the file should.
            fs::remove_file(tree.file(VALID)).unwrap();
            fs::create_dir(tree.file(VALID)).unwrap();
            vec![tree.path(VALID)]
        }),
        (K::ConstantImage, |tree| tree.replace(VALID, png(GrayImage::from_pixel(80, 80, Luma([100]))))),
        (K::DuplicateAcrossSplits, |tree| {
            let bytes = fs::read(tree.file(TRAIN[0])).unwrap();
            tree.replace(VALID, bytes);
            vec![tree.path(TRAIN[0]), tree.path(VALID)]
        }),
        (K::DuplicateRow, |tree| {
            let row = tree.rows(Split::Train)[TRAIN[1].1].clone();
            let path = row[0].clone();
            tree.push(Split::Train, row);
            vec![path.clone(), path]
        }),
        (K::Contradiction, |tree| {
            let edema = tree.rows(Split::Test).iter().position(|row| row[place_of("Edema")] == "1.0");
            tree.set((Split::Test, edema.unwrap()), "No Finding", "1.0")
        }),
        (K::TinyImage, |tree| {
            let small = image::imageops::thumbnail(&tree.picture(VALID), 40, 48);
            tree.replace(VALID, jpeg(&small, 90))
        }),
        (K::UnusedDepth, |tree| {
            let picture = tree.picture(VALID);
            let twelve_bits = ImageBuffer::from_fn(picture.width(), picture.height(), |x, y| {
                Luma([u16::from(picture.get_pixel(x, y)[0]) * 16])
            });
            tree.replace(VALID, png(twelve_bits))
        }),
        (K::InvertedImage, |tree| {
            let mut picture = tree.picture(VALID);
            image::imageops::invert(&mut picture);
            tree.replace(VALID, jpeg(&picture, 90))
        }),
        (K::Duplicate, |tree| {
            let bytes = fs::read(tree.file(TRAIN[0])).unwrap();
            tree.replace(TRAIN[1], bytes);
            TRAIN.map(|place| tree.path(place)).to_vec()
        }),
        (K::NearDuplicateAcrossSplits, |tree| {
            tree.replace(VALID, exported_again(&tree.picture(TRAIN[0])));
            vec![tree.path(TRAIN[0]), tree.path(VALID)]
        }),
        (K::NearDuplicate, |tree| {
            tree.replace(TRAIN[1], exported_again(&tree.picture(TRAIN[0])));
            TRAIN.map(|place| tree.path(place)).to_vec()
        }),
        (K::NoPositives, |tree| {
            tree.set_all(Split::Valid, "Fracture", "0.0");
            Vec::new()
        }),
        (K::NoNegatives, |tree| {
            tree.set_all(Split::Test, "Support Devices", "1.0");
            Vec::new()
        }),
        (K::OddProjection, |tree| tree.set(TRAIN[1], "AP/PA", "LL")),
        (K::UnknownSex, |tree| tree.set(TRAIN[1], "Sex", "Unknown")),
        (K::OddAge, |tree| tree.set(TRAIN[1], "Age", "0")),
        (K::OddAge, |tree| tree.set(TRAIN[1], "Age", "91")),
        (K::AllBlank, |tree| {
            let mut rows = tree.rows(Split::Train);
            rows[TRAIN[1].1][5..].fill(String::new());
            tree.write(Split::Train, &rows);
            vec![tree.path(TRAIN[1])]
        }),
    ]
};

#[test]
fn nothing_is_found_in_a_clean_tree() {
    let audit = audit(clean());
    assert_eq!(audit.findings(), [], "{audit}");
    let rows: usize = audit.tables().iter().map(|table| table.rows).sum();
    assert_eq!(audit.images(), Some(rows));
    assert!(rows > 400, "{rows}");
    for place in [TRAIN[0], TRAIN[1], VALID] {
        let path = Copy::new().path(place);
        assert!(
            path.contains("frontal"),
            "{path}: the plants want frontal views"
        );
    }
}

#[test]
fn each_planted_defect_is_found_with_its_rows_and_nothing_else_is() {
    for kind in FindingKind::all() {
        assert!(
            PLANTS.iter().any(|(planted, _)| *planted == kind),
            "{kind:?} is not planted"
        );
    }
    for (number, (kind, plant)) in PLANTS.into_iter().enumerate() {
        let tree = Copy::new();
        let expected = plant(&tree);
        let audit = audit(tree.root());
        let [finding] = audit.findings() else {
            panic!("plant {number}, {kind:?}: {audit}");
        };
        assert_eq!(finding.kind, kind, "plant {number}: {audit}");
        let paths: Vec<String> = finding
            .rows
            .iter()
            .map(|row| row.path.clone().unwrap_or_default())
            .collect();
        assert_eq!(paths, expected, "plant {number}: {audit}");
        assert_eq!(finding.message.lines().count(), 1, "{}", finding.message);
    }
}

#[test]
fn an_audit_is_the_same_on_one_thread_and_on_four() {
    let tree = Copy::new();
    use FindingKind as K;
    // These do not get into each other's way.
    for planted in [
        K::DuplicateRow,
        K::Contradiction,
        K::OddProjection,
        K::NearDuplicate,
        K::InvertedImage,
    ] {
        let (_, plant) = PLANTS
            .into_iter()
            .find(|(kind, _)| *kind == planted)
            .unwrap();
        plant(&tree);
    }
    for row in (60..90).step_by(3) {
        tree.replace(
            (Split::Test, row),
            exported_again(&tree.picture((Split::Train, row))),
        );
        tree.replace((Split::Test, row + 1), "no image");
    }
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| audit(tree.root()))
    };
    let one = on(1);
    assert_eq!(one.findings().len(), 25, "{one}");
    assert_eq!(one, on(4));
}

#[test]
fn without_images_no_file_is_looked_for() {
    let tree = Copy::new();
    for split in Split::ALL {
        fs::remove_dir_all(tree.root().join(split.name())).unwrap();
    }
    tree.set(TRAIN[1], "Sex", "Unknown");
    let audit = Audit::run(tree.root(), &AuditConfig { images: false }, |_, _| {
        panic!("no image is read")
    })
    .unwrap();
    assert_eq!(audit.images(), None);
    assert_eq!(
        (audit.findings().len(), audit.count(Severity::Note)),
        (1, 1),
        "{audit}"
    );
}

#[test]
fn a_report_counts_by_kind_shows_the_first_few_and_says_how_many_more_there_are() {
    let tree = Copy::new();
    for row in 0..7 {
        tree.set((Split::Train, row), "Age", "0");
    }
    let report = audit(tree.root()).to_string();
    let odd = "note: ages of 0 or above 90: 7\n  train, line 2: CheXpert-v1.0-phantom/train/";
    assert!(report.contains(odd), "{report}");
    assert!(report.contains("\n  and 4 more\n"), "{report}");
    assert!(
        report.ends_with("0 errors, 0 warnings, 7 notes"),
        "{report}"
    );
}

/// As many rows as CheXpert's `train.csv`. The bound is generous: two cores are shared by all tests.
#[test]
fn the_tables_of_a_dataset_as_large_as_chexpert_are_audited_in_seconds() {
    const ROWS: usize = 223_414;
    let folder = TempDir::new().unwrap();
    let mut text = COLUMNS.join(",");
    for row in 0..ROWS {
        let (patient, study) = (row / 4 + 1, row % 4 / 2 + 1);
        let (view, sex) = (row % 2 + 1, if row % 8 < 4 { "Male" } else { "Female" });
        text.push_str(&format!(
            "\nCheXpert-v1.0-small/train/patient{patient:05}/study{study}/view{view}_frontal.jpg,{sex},{},Frontal,AP",
            20 + row % 70
        ));
        for column in 0..14 {
            text.push_str([",1.0", ",0.0", ",-1.0", ",", ","][(row / 3 + column * row) % 5]);
        }
    }
    fs::write(folder.path().join("train.csv"), text).unwrap();
    let begin = Instant::now();
    let audit = Audit::run(folder.path(), &AuditConfig { images: false }, |_, _| ()).unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    eprintln!(
        "{ROWS} rows in {seconds:.2} s, {} findings",
        audit.findings().len()
    );
    assert_eq!(audit.tables()[0].rows, ROWS);
    assert!(seconds < 20.0, "{seconds} s");
}

#[test]
fn the_nih_sample_has_one_picture_twice_and_two_inverted() {
    let shared = std::env::var_os("CHEXTRANSFER_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let root = shared.join("data/NIH-CXR-v1.0-small");
    if !root.is_dir() {
        eprintln!("skipped: no real radiographs at {}", root.display());
        return;
    }
    let begin = Instant::now();
    let audit = audit(&root);
    eprintln!("{audit}\n{:.1} s", begin.elapsed().as_secs_f64());
    let of = |kind| {
        let alike = audit.findings().iter().filter(move |f| f.kind == kind);
        alike.map(|f| f.rows.len()).collect::<Vec<_>>()
    };
    assert_eq!(of(FindingKind::InvertedImage), [1, 1]);
    assert_eq!(
        [of(FindingKind::NearDuplicate), of(FindingKind::Duplicate)].concat(),
        [2]
    );
    assert_eq!(audit.count(Severity::Error), 0);
}
