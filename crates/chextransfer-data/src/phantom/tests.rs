//! Tests of the whole generator; those of its parts stand beside the parts.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use image::GrayImage;
use sha2::{Digest, Sha256};

use super::draws::{Key, Purpose};
use super::findings::Findings;
use super::heart::Heart;
use super::person::Person;
use super::pose::{Pose, Projection};
use super::radiograph::Radiograph;
use super::study::{Study, count};
use super::thorax::Lung;
use super::truth::{Truth, is_pathology};
use super::{
    Difficulty, PhantomConfig, SplitFractions, Summary, frontal, generate, lateral, mask_path,
    report,
};
use crate::{CheXpert, Error, Label, Observation, Split, View};

fn config(patients: usize, seed: u64) -> PhantomConfig {
    PhantomConfig {
        patients,
        seed,
        side: 64,
        ..PhantomConfig::default()
    }
}

fn key(patient: u64) -> Key {
    Key {
        seed: 5,
        patient,
        study: 1,
        view: 1,
    }
}

/// Every file of a tree by its path, with its digest.
fn digests(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                let digest = Sha256::digest(fs::read(&path).unwrap());
                found.insert(name, format!("{digest:x?}"));
            }
        }
    }
    found
}

fn generate_on(threads: usize, config: &PhantomConfig) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("phantom");
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| generate(config, &out, |_, _| ())).unwrap();
    digests(&out)
}

fn frontal_of(patient: u64, truth: &Truth, difficulty: Difficulty) -> Radiograph {
    let key = key(patient);
    let person = Person::draw(key);
    let pose = Pose::draw(key, 128, Projection::Pa, false);
    frontal::render(key, &person, &pose, &Findings::draw(key, truth), difficulty)
}

fn mask_of(radiograph: &Radiograph, observation: Observation) -> Option<&GrayImage> {
    let (_, mask) = radiograph.masks.iter().find(|(of, _)| *of == observation)?;
    Some(mask)
}

#[test]
fn a_seed_gives_the_same_bytes_on_one_thread_and_on_four_and_another_seed_gives_others() {
    let one = generate_on(1, &config(7, 3));
    assert!(one.len() > 20, "{} files", one.len());
    assert_eq!(one, generate_on(4, &config(7, 3)));
    let other = generate_on(4, &config(7, 4));
    let picture = "train/patient00001/study1/view1_frontal.jpg";
    assert_ne!(one[picture], other[picture]);
}

/// The pixels before encoding. A change of these digests on one platform only means that some operation is not exact
/// there; a change on all means that the drawing was changed, and then the digests are to be set anew.
#[test]
fn the_pixels_of_one_study_are_those_of_every_platform_at_each_difficulty() {
    let person = Person::draw(key(1));
    let severities = Observation::ALL.map(|observation| (observation, 0.6));
    let truth = Truth::of(&severities[1..]);
    let digest = |difficulty| {
        let mut pixels = Sha256::new();
        for is_lateral in [false, true] {
            let pose = Pose::draw(key(1), 96, Projection::Ap, is_lateral);
            let findings = Findings::draw(key(1), &truth);
            let render = if is_lateral {
                lateral::render
            } else {
                frontal::render
            };
            let radiograph = render(key(1), &person, &pose, &findings, difficulty);
            pixels.update(radiograph.image.as_raw());
            for (_, mask) in &radiograph.masks {
                pixels.update(mask.as_raw());
            }
        }
        hex(&pixels.finalize())
    };
    assert_eq!(
        Difficulty::ALL.map(digest),
        [
            "6e590b4e8cdc8d0341d09b2bfe00b4fe7c424199d2ecfd3fc16a1ccd5d412056",
            "c76d5c547e8b58105a64f1d467a6e90bee9926805191cdf0732a4d410dfa94a8",
            "db6ce9b5734e695d4b4ddf9e43e89dcb3258f2c2895c073c25aaf7ca6edb7cca",
        ]
    );
}

/// What a seed means: which patients, studies, views, labels and pictures.
#[test]
fn the_tables_and_pixels_of_a_small_set_are_those_of_every_platform() {
    let mut all = Sha256::new();
    for patient in 1..=6 {
        let person = Person::draw(key(patient));
        for index in 1..=count(key(patient)) {
            let key = Key {
                study: index,
                ..key(patient)
            };
            let study = Study::draw(key);
            let labels = report::mined(&study.truth, &mut key.draws(Purpose::Report));
            all.update(labels.map(Label::as_csv).join(","));
            for view in 0..study.views.len() {
                let radiograph = study.render(&person, view, 48, Difficulty::Medium);
                all.update(radiograph.image.as_raw());
            }
        }
    }
    assert_eq!(
        hex(&all.finalize()),
        "bca4631c7534cf8ff9e275c56b9a46ffc73aa43b432186bfa44e79e9332713da"
    );
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an ideal observer would go by in white noise: the root of the summed squared change that a finding makes in its
/// region, over the deviation of the pixels there, without the finding, from the mean of their neighbours.
fn visibility(
    patient: u64,
    truth: &Truth,
    observation: Observation,
    difficulty: Difficulty,
) -> f64 {
    let with = frontal_of(patient, truth, difficulty);
    let without = frontal_of(patient, &truth.without(observation), difficulty).image;
    let mask = mask_of(&with, observation).unwrap();
    let grey = |x: u32, y: u32| f64::from(without.get_pixel(x, y)[0]);
    let (mut count, mut rough, mut change) = (0.0, 0.0, 0.0);
    for y in 1..without.height() - 1 {
        for x in 1..without.width() - 1 {
            if mask.get_pixel(x, y)[0] == 0 {
                continue;
            }
            let around = grey(x - 1, y) + grey(x + 1, y) + grey(x, y - 1) + grey(x, y + 1);
            count += 1.0;
            rough += (grey(x, y) - 0.25 * around).powi(2);
            change += (f64::from(with.image.get_pixel(x, y)[0]) - grey(x, y)).powi(2);
        }
    }
    let rough: f64 = rough / count;
    change.sqrt() / rough.sqrt()
}

#[test]
fn findings_are_seen_less_the_harder_the_set() {
    for observation in Observation::ALL {
        use Observation::{LungOpacity, NoFinding};
        if matches!(observation, NoFinding | LungOpacity) {
            continue;
        }
        let mean = |difficulty| {
            let patients = 1..=8;
            let truth = Truth::of(&[(observation, 0.6)]);
            let seen = patients.map(|patient| visibility(patient, &truth, observation, difficulty));
            seen.sum::<f64>() / 8.0
        };
        let [easy, medium, hard] = Difficulty::ALL.map(mean);
        assert!(
            easy > 1.02 * medium && medium > 1.5 * hard,
            "{observation}: {easy:.2} easy, {medium:.2} medium, {hard:.2} hard"
        );
    }
}

#[test]
fn labels_and_file_names_are_the_same_at_every_difficulty() {
    let trees = Difficulty::ALL.map(|difficulty| {
        generate_on(
            2,
            &PhantomConfig {
                difficulty,
                ..config(5, 3)
            },
        )
    });
    let [easy, medium, hard] = &trees;
    assert_eq!(medium, &generate_on(2, &config(5, 3)));
    for (name, digest) in easy {
        let same = [medium, hard].map(|tree| tree.get(name) == Some(digest));
        if name.ends_with(".csv") {
            assert_eq!(same, [true; 2], "{name}");
        } else if name.ends_with(".jpg") {
            assert_eq!(same, [false; 2], "{name}");
        }
    }
    assert!(trees.iter().all(|tree| tree.keys().eq(easy.keys())));
}

#[test]
fn a_tree_reads_back_as_chexpert_with_every_image_and_every_mask_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("phantom");
    let calls = std::sync::Mutex::new(Vec::new());
    let summary = generate(&config(24, 9), &out, |done, total| {
        calls.lock().unwrap().push((done, total));
    })
    .unwrap();
    let mut calls = calls.into_inner().unwrap();
    calls.sort_unstable();
    assert_eq!(calls, (0..=24).map(|done| (done, 24)).collect::<Vec<_>>());

    let header = fs::read_to_string(out.join("train.csv")).unwrap();
    assert_eq!(
        header.lines().next().unwrap(),
        "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,\
         Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,\
         Fracture,Support Devices"
    );
    let tree = CheXpert::open(&out).unwrap();
    let mut found = Summary::default();
    let mut patients = std::collections::BTreeSet::new();
    let mut studies = std::collections::BTreeSet::new();
    for split in Split::ALL {
        let records = tree.split(split).unwrap();
        for record in records.records() {
            assert!(
                record.path.contains(&format!("/{split}/")),
                "{}",
                record.path
            );
            patients.insert(record.patient.clone());
            studies.insert(record.study.clone());
            found.images += 1;
            let path = records.image_path(record);
            let picture = image::open(&path).unwrap();
            assert_eq!(picture.color(), image::ColorType::L8);
            assert_eq!(picture.width().min(picture.height()), 64);
            for observation in Observation::ALL {
                let mask = mask_path(&path, observation);
                let drawn = mask.is_file();
                found.masks += usize::from(drawn);
                if drawn {
                    let mask = image::open(&mask).unwrap();
                    assert_eq!(
                        (mask.width(), mask.height()),
                        (picture.width(), picture.height())
                    );
                }
                if split != Split::Train && record.view == Some(View::Frontal) {
                    let present = record.label(observation) == Label::Positive;
                    let expected = present && observation != Observation::NoFinding;
                    assert_eq!(drawn, expected, "{observation} in {}", record.path);
                }
            }
        }
    }
    (found.patients, found.studies) = (patients.len(), studies.len());
    assert_eq!(found, summary);
}

#[test]
fn every_finding_has_a_mask_in_the_frontal_view_and_is_seen_there_and_only_there() {
    for observation in Observation::ALL
        .into_iter()
        .filter(|&o| o != Observation::NoFinding)
    {
        // An opacity is drawn as one of its kinds.
        let drawn = match observation {
            Observation::LungOpacity => Observation::Consolidation,
            other => other,
        };
        for (patient, severity) in (1..=10).zip([0.12, 0.3, 0.5, 0.7, 1.0].into_iter().cycle()) {
            let truth = Truth::of(&[(drawn, severity)]);
            assert!(truth.has(observation));
            let with = frontal_of(patient, &truth, Difficulty::Medium);
            let without = frontal_of(patient, &truth.without(drawn), Difficulty::Medium);
            let name = format!("{observation}, severity {severity}, patient {patient}");
            assert_eq!(with.image.dimensions(), without.image.dimensions());
            assert!(without.masks.is_empty(), "{name}: {:?}", without.masks);
            let mask = mask_of(&with, observation).unwrap_or_else(|| panic!("{name}: no mask"));
            assert_eq!(mask.dimensions(), with.image.dimensions());

            let (mut inside, mut changed, mut outside, mut changed_outside) = (0.0, 0.0, 0.0, 0.0);
            let pixels = mask
                .as_raw()
                .iter()
                .zip(with.image.as_raw())
                .zip(without.image.as_raw());
            for ((&mask, &with), &without) in pixels {
                let differs = f64::from(u8::from(with.abs_diff(without) > 3));
                if mask == 255 {
                    inside += 1.0;
                    changed += differs;
                } else {
                    assert_eq!(mask, 0, "{name}");
                    outside += 1.0;
                    changed_outside += differs;
                }
            }
            let (share, beside): (f64, f64) = (changed / inside, changed_outside / outside);
            assert!(
                share > 0.2,
                "{name}: {share:.2} of {inside} pixels differ inside"
            );
            assert!(
                share > 3.0 * beside,
                "{name}: {share:.2} inside, {beside:.2} outside"
            );
        }
    }
}

#[test]
fn a_lateral_view_shows_what_is_seen_from_the_side_and_has_no_mask_for_the_rest() {
    let severities = Observation::ALL.map(|observation| (observation, 0.8));
    let truth = Truth::of(&severities[1..]);
    let person = Person::draw(key(2));
    let pose = Pose::draw(key(2), 128, Projection::Pa, true);
    let radiograph = lateral::render(
        key(2),
        &person,
        &pose,
        &Findings::draw(key(2), &truth),
        Difficulty::Medium,
    );
    let hidden = [
        Observation::NoFinding,
        Observation::EnlargedCardiomediastinum,
        Observation::Pneumothorax,
        Observation::PleuralOther,
        Observation::Fracture,
    ];
    for observation in Observation::ALL {
        let shown = mask_of(&radiograph, observation).is_some();
        assert_eq!(shown, !hidden.contains(&observation), "{observation}");
    }
}

#[test]
fn the_shares_of_findings_are_like_those_of_chexpert() {
    const STUDIES: u64 = 4000;
    #[rustfmt::skip]
    let bounds = [
        (Observation::NoFinding,                 0.12, 0.25),
        (Observation::EnlargedCardiomediastinum, 0.04, 0.12),
        (Observation::Cardiomegaly,              0.14, 0.24),
        (Observation::LungOpacity,               0.45, 0.70),
        (Observation::LungLesion,                0.03, 0.10),
        (Observation::Edema,                     0.20, 0.33),
        (Observation::Consolidation,             0.09, 0.18),
        (Observation::Pneumonia,                 0.06, 0.15),
        (Observation::Atelectasis,               0.18, 0.32),
        (Observation::Pneumothorax,              0.05, 0.13),
        (Observation::PleuralEffusion,           0.36, 0.50),
        (Observation::PleuralOther,              0.03, 0.10),
        (Observation::Fracture,                  0.03, 0.10),
        (Observation::SupportDevices,            0.45, 0.62),
    ];
    let truths: Vec<Truth> = (1..=STUDIES)
        .map(|patient| Truth::draw(key(patient)))
        .collect();
    for (observation, low, high) in bounds {
        let count = truths.iter().filter(|truth| truth.has(observation)).count();
        let share = count as f64 / STUDIES as f64;
        assert!((low..=high).contains(&share), "{observation}: {share:.3}");
    }
}

#[test]
fn complete_labels_are_the_truth_and_obey_the_rule_of_no_finding() {
    for patient in 1..=500 {
        let truth = Truth::draw(key(patient));
        let labels = report::complete(&truth);
        for (observation, label) in Observation::ALL.into_iter().zip(labels) {
            let expected = if truth.has(observation) {
                Label::Positive
            } else {
                Label::Negative
            };
            assert_eq!(label, expected);
        }
        let sick = Observation::ALL
            .into_iter()
            .zip(labels)
            .any(|(o, label)| is_pathology(o) && label == Label::Positive);
        assert_eq!(labels[0] == Label::Positive, !sick);
    }
}

#[test]
fn mined_labels_obey_the_rule_of_no_finding_and_never_contradict_the_truth() {
    for patient in 1..=2000 {
        let truth = Truth::draw(key(patient));
        let labels = report::mined(&truth, &mut key(patient).draws(Purpose::Report));
        let mut noted = false;
        for (observation, label) in Observation::ALL.into_iter().zip(labels) {
            match label {
                Label::Positive => {
                    assert!(truth.has(observation) || observation == Observation::NoFinding)
                }
                Label::Negative => assert!(!truth.has(observation)),
                Label::Uncertain | Label::Blank => {}
            }
            noted |=
                is_pathology(observation) && matches!(label, Label::Positive | Label::Uncertain);
        }
        let expected = if noted { Label::Blank } else { Label::Positive };
        assert_eq!(labels[0], expected, "patient {patient}");
        assert!(labels[0] != Label::Positive || truth.has(Observation::NoFinding));
    }
}

#[test]
fn mined_labels_are_uncertain_and_blank_about_as_often_as_those_of_chexpert() {
    const STUDIES: usize = 4000;
    let mut counts = [[0.0; 2]; Observation::COUNT];
    for patient in 1..=STUDIES as u64 {
        let truth = Truth::draw(key(patient));
        let labels = report::mined(&truth, &mut key(patient).draws(Purpose::Report));
        for (count, label) in counts.iter_mut().zip(labels) {
            count[0] += f64::from(u8::from(label == Label::Uncertain)) / STUDIES as f64;
            count[1] += f64::from(u8::from(label == Label::Blank)) / STUDIES as f64;
        }
    }
    for (observation, [_, uncertain, _, blank]) in report::CHEXPERT {
        let [doubted, empty] = counts[observation.index()];
        let all = f64::from(223.414_f32);
        let (uncertain, blank) = (f64::from(uncertain) / all, f64::from(blank) / all);
        assert!(
            (doubted - uncertain).abs() < 0.04,
            "{observation}: {doubted:.3}, CheXpert {uncertain:.3} uncertain"
        );
        // More findings are drawn here than CheXpert has, so that fewer cells are left to be blank.
        assert!(
            (empty - blank).abs() < 0.15,
            "{observation}: {empty:.3}, CheXpert {blank:.3} blank"
        );
    }
    assert_eq!(counts[0][0], 0.0);
}

#[test]
fn the_heart_is_wider_than_half_of_the_thorax_exactly_with_cardiomegaly() {
    for patient in 1..=300 {
        let person = Person::draw(key(patient));
        for projection in [Projection::Ap, Projection::Pa] {
            let pose = Pose::draw(key(patient), 64, projection, false);
            let lungs = [-1.0, 1.0].map(|side| Lung::new(&person, &pose, side, 0.0));
            for enlarged in [None, Some(0.12), Some(1.0)] {
                let ratio = Heart::new(&person, &pose, &lungs, enlarged).ratio;
                assert_eq!(ratio > 0.5, enlarged.is_some(), "ratio {ratio}");
            }
        }
    }
}

#[test]
fn a_patient_keeps_chronic_findings_and_about_one_study_in_seven_has_a_lateral_view() {
    let (mut laterals, mut studies) = (0, 0);
    for patient in 1..=1500 {
        let visits = [1, 2].map(|study| {
            Study::draw(Key {
                study,
                ..key(patient)
            })
        });
        assert_eq!(
            visits[0].truth.has(Observation::Cardiomegaly),
            visits[1].truth.has(Observation::Cardiomegaly)
        );
        for visit in visits {
            studies += 1;
            laterals += usize::from(visit.views.contains(&View::Lateral));
            assert_eq!(visit.views[0], View::Frontal);
        }
    }
    let share = laterals as f64 / studies as f64;
    assert!((0.10..0.20).contains(&share), "{share}");
}

#[test]
fn an_occupied_folder_is_refused_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "precious").unwrap();
    let before = digests(folder.path());
    let error = generate(&config(3, 0), folder.path(), |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("1 entries"), "{error}");
    assert_eq!(digests(folder.path()), before);

    let file = folder.path().join("mine.txt");
    let error = generate(&config(3, 0), &file, |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("mine.txt"), "{error}");
    assert_eq!(digests(folder.path()), before);
}

#[test]
fn an_empty_folder_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("empty");
    fs::create_dir(&out).unwrap();
    generate(&config(3, 0), &out, |_, _| ()).unwrap();
    assert!(out.join("test.csv").is_file());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn nothing_is_left_behind_when_the_work_is_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("phantom");
    let broken = std::panic::catch_unwind(|| {
        generate(&config(6, 0), &out, |done, _| {
            assert!(done < 3, "broken off")
        })
    });
    assert!(broken.is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn settings_out_of_range_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("phantom");
    let splits = |train, valid, test| SplitFractions { train, valid, test };
    let wrong = [
        (
            "side",
            PhantomConfig {
                side: 8,
                ..config(9, 0)
            },
        ),
        ("patients", config(2, 0)),
        ("patients", config(0, 0)),
        (
            "splits",
            PhantomConfig {
                splits: splits(0.7, 0.1, 0.1),
                ..config(9, 0)
            },
        ),
        (
            "splits",
            PhantomConfig {
                splits: splits(1.5, -0.5, 0.0),
                ..config(9, 0)
            },
        ),
        (
            "splits",
            PhantomConfig {
                splits: splits(f64::NAN, 0.5, 0.5),
                ..config(9, 0)
            },
        ),
    ];
    for (name, config) in wrong {
        match generate(&config, &out, |_, _| ()) {
            Err(Error::Setting { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{name}: {other:?}"),
        }
        assert!(!out.exists());
    }
}

#[test]
fn shares_are_read_from_text_and_a_wrong_text_is_an_error() {
    let read = "0.7,0.1,0.2".parse::<SplitFractions>().unwrap();
    assert_eq!(read, SplitFractions::default());
    for text in ["", "0.7,0.3", "0.7,0.1,0.1,0.1", "0.7,a,0.3"] {
        let message = text.parse::<SplitFractions>().unwrap_err().to_string();
        assert!(message.contains("train,valid,test"), "{message}");
    }
}

#[test]
fn every_split_asked_for_gets_a_patient_and_all_patients_are_dealt() {
    let dealt = |patients, train, valid, test| {
        let splits = SplitFractions { train, valid, test };
        PhantomConfig {
            patients,
            splits,
            ..config(1, 0)
        }
        .check()
        .unwrap()
    };
    assert_eq!(dealt(600, 0.7, 0.1, 0.2), [420, 60, 120]);
    assert_eq!(dealt(3, 0.7, 0.1, 0.2), [1, 1, 1]);
    assert_eq!(dealt(4, 0.7, 0.1, 0.2), [2, 1, 1]);
    assert_eq!(dealt(5, 0.0, 0.0, 1.0), [0, 0, 5]);
    assert_eq!(dealt(3, 0.98, 0.01, 0.01), [1, 1, 1]);
}
