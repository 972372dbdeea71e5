//! Files that are there already, and what is remembered of them.

use std::path::Path;

use chextransfer_models::Error;
use chextransfer_models::weights::{Origin, WeightStore, sha256_hex};

use crate::server::{Server, respond};
use crate::setting::{
    FIRST_USE, assert_says, content, empty_store, fails, fetch, files, prefix, row, whole,
};

const ON_THE_HUB: &str = "https://huggingface.co/org/name/resolve/main/weights.bin";

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A server that sends another content from the second request on.
fn changing_server() -> Server {
    Server::start(|_, before, stream| match before {
        0 => respond(stream, "200 OK", "", &content()),
        _ => respond(stream, "200 OK", "", b"changed"),
    })
}

#[test]
fn offline_no_socket_is_opened_and_the_error_says_where_was_looked() {
    let server = Server::start(|_, _, stream| respond(stream, "200 OK", "", &content()));
    let (folder, mut store) = empty_store();
    store.offline = true;
    store.torch_hub = Some(folder.path().join("torch"));
    store.hugging_face = Some(folder.path().join("hub"));
    store.folders = vec![folder.path().join("mine")];
    write(&folder.path().join("torch/weights.bin"), b"something else");
    let error = fails(&store, &row(&server.url("weights"), &whole(&content())));
    assert!(matches!(error, Error::WeightsAbsent { .. }), "{error}");
    let found = sha256_hex(b"something else");
    assert_says(
        &error,
        &["resnet18.test", "offline", "mine/weights.bin", &found],
    );
    let error = fails(&store, &row(ON_THE_HUB, &whole(&content())));
    assert_says(
        &error,
        &["hub/models--org--name/snapshots/main/weights.bin"],
    );
    assert_eq!(server.requests().len(), 0);
    assert!(!store.cache.exists());
}

#[test]
fn a_file_that_a_user_has_already_is_used_where_it_lies_and_one_line_says_where() {
    let on_the_web = "http://127.0.0.1:9/weights.bin";
    for (url, path, says) in [
        (
            on_the_web,
            "torch/weights.bin",
            "found in the torch hub cache",
        ),
        (
            ON_THE_HUB,
            "hub/models--org--name/snapshots/0123abcd/weights.bin",
            "found in the Hugging Face cache",
        ),
        (on_the_web, "mine/weights.bin", "mine: "),
        (ON_THE_HUB, "mine/weights.bin", "mine: "),
        (ON_THE_HUB, "mine/resnet18.test/weights.bin", "mine: "),
        (ON_THE_HUB, "mine/resnet18.test.bin", "mine: "),
    ] {
        let (folder, mut store) = empty_store();
        let at = |name: &str| folder.path().join(name);
        store.torch_hub = Some(at("torch"));
        store.hugging_face = Some(at("hub"));
        store.folders = vec![at("empty"), at("mine")];
        write(&at(path), &content());
        write(&at("hub/models--org--name/refs/main"), b"0123abcd");
        for located in [
            fetch(&store, &row(url, &whole(&content()))).unwrap(),
            store.require(&row(url, &prefix(&content()))).unwrap(),
        ] {
            assert_eq!(located.path, at(path));
            let line = located.to_string();
            let [path, sha256] = [at(path).display().to_string(), sha256_hex(&content())];
            for part in [says, &path, &sha256] {
                assert!(line.contains(part) && !line.contains('\n'), "{line}");
            }
        }
    }
}

#[test]
fn a_file_of_the_right_name_and_the_wrong_content_is_passed_over_and_told() {
    let (folder, mut store) = empty_store();
    let [wrong, right] = ["wrong", "right"].map(|name| folder.path().join(name));
    write(&wrong.join("weights.bin"), b"another");
    write(&right.join("weights.bin"), &content());
    store.folders = vec![wrong.clone(), right.clone()];
    let located = store
        .require(&row("http://127.0.0.1:9/", &whole(&content())))
        .unwrap();
    assert_eq!(located.origin, Origin::Folder(right));
    assert_eq!(located.rejected.len(), 1);
    let line = located.rejected[0].to_string();
    let digests = [sha256_hex(b"another"), sha256_hex(&content())];
    for part in [&wrong.display().to_string(), &digests[0], &digests[1]] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn where_no_digest_is_known_the_name_alone_must_say_which_file_it_is() {
    let (folder, mut store) = empty_store();
    let at = |name: &str| folder.path().join(name);
    store.folders = vec![at("mine")];
    store.hugging_face = Some(at("hub"));
    // Both could be any checkpoint's: a name that all hub files share, and an old revision.
    write(&at("mine/weights.bin"), b"whose?");
    write(
        &at("hub/models--org--name/snapshots/old/weights.bin"),
        b"old",
    );
    write(&at("hub/models--org--name/refs/main"), b"new");
    let row = row(ON_THE_HUB, FIRST_USE);
    assert_eq!(store.locate(&row).unwrap(), None);
    write(
        &at("hub/models--org--name/snapshots/new/weights.bin"),
        b"new",
    );
    assert_eq!(store.require(&row).unwrap().sha256, sha256_hex(b"new"));
    // Now it is known, and content counts.
    write(&at("mine/weights.bin"), b"new");
    let found = store.require(&row).unwrap();
    assert_eq!(found.origin, Origin::Folder(at("mine")));
}

#[test]
fn a_file_of_our_cache_that_was_damaged_is_an_error_with_both_digests() {
    let server = changing_server();
    let (_folder, store) = empty_store();
    let row = row(&server.url("weights"), &whole(&content()));
    let located = fetch(&store, &row).unwrap();
    let entries = store.entries().unwrap();
    assert_eq!(entries.len(), 1);
    entries[0].verify().unwrap();

    write(&located.path, b"damaged");
    for error in [
        fails(&store, &row),
        store.locate(&row).unwrap_err(),
        store.entries().unwrap()[0].verify().unwrap_err(),
    ] {
        assert!(matches!(error, Error::WeightsDamaged { .. }), "{error}");
        let digests = [sha256_hex(b"damaged"), sha256_hex(&content())];
        assert_says(
            &error,
            &[
                &located.path.display().to_string(),
                &digests[0],
                &digests[1],
            ],
        );
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_digest_of_the_first_use_binds_until_its_record_is_deleted() {
    for pin in [FIRST_USE.to_owned(), prefix(&content())] {
        let server = changing_server();
        let (_folder, store) = empty_store();
        let row = row(&server.url("weights"), &pin);
        let located = fetch(&store, &row).unwrap();
        assert_eq!(located.unrecorded, None);
        let record = store.cache.join("first-use/resnet18.test.toml");
        let text = std::fs::read_to_string(&record).unwrap();
        assert!(
            text.contains(&located.sha256) && text.contains(&row.url),
            "{text}"
        );
        assert_eq!(fetch(&store, &row).unwrap().origin, Origin::Cache);

        std::fs::remove_dir_all(store.cache.join("sha256")).unwrap();
        let error = fails(&store, &row);
        assert!(matches!(error, Error::WeightsChanged { .. }), "{error}");
        let path = record.display().to_string();
        let digests = [sha256_hex(b"changed"), sha256_hex(&content())];
        assert_says(
            &error,
            &[&digests[0], &digests[1], &format!("delete {path}")],
        );
        assert_eq!(files(&store.cache), ["first-use/resnet18.test.toml"]);

        std::fs::remove_file(record).unwrap();
        match pin == FIRST_USE {
            true => assert_eq!(fetch(&store, &row).unwrap().sha256, digests[0]),
            false => assert!(matches!(fails(&store, &row), Error::DownloadWrong { .. })),
        }
    }
}

#[test]
fn a_first_use_from_a_folder_binds_as_well() {
    let (folder, mut store) = empty_store();
    store.folders = vec![folder.path().to_owned()];
    let path = folder.path().join("resnet18.test.bin");
    write(&path, b"first");
    let row = row("http://127.0.0.1:9/", FIRST_USE);
    store.require(&row).unwrap();
    write(&path, b"second");
    let error = store.require(&row).unwrap_err();
    let digests = [sha256_hex(b"first"), sha256_hex(b"second")];
    assert_says(
        &error,
        &[&digests[0], &digests[1], "recorded at first use in"],
    );
}

#[test]
fn a_record_that_contradicts_the_manifest_is_an_error() {
    let (_folder, store) = empty_store();
    let row = row("http://127.0.0.1:9/", &prefix(&content()));
    let path = store.cache.join("first-use/resnet18.test.toml");
    let record = |id: &str, url: &str, sha256: &str| {
        write(
            &path,
            format!("id = '{id}'\nurl = '{url}'\nsha256 = '{sha256}'\n").as_bytes(),
        );
        store
            .locate(&row)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let right = sha256_hex(&content());
    assert_eq!(record("resnet18.test", &row.url, &right), Ok(()));
    for (id, url, sha256, says) in [
        ("other", row.url.as_str(), right.as_str(), "id = `other`"),
        ("resnet18.test", "http://other/", &right, "http://other/"),
        ("resnet18.test", &row.url, &sha256_hex(b"x"), "which is not"),
        ("resnet18.test", &row.url, "../../x", "which is not"),
    ] {
        let message = record(id, url, sha256).unwrap_err();
        assert!(
            message.contains(says) && message.contains("delete"),
            "{message}"
        );
    }
    write(&path, b"\xff not toml");
    assert!(matches!(
        store.locate(&row),
        Err(Error::FirstUseRecord { .. })
    ));
}

#[test]
fn a_manifest_cannot_lead_out_of_the_cache() {
    let (_folder, store) = empty_store();
    let row = row("http://127.0.0.1:9/", FIRST_USE);
    for name in ["../x", "a/b", "a\\b", "..", "", "C:x", ".hidden", "a\nb"] {
        let mut odd_file = row.clone();
        odd_file.file = name.to_owned();
        let mut odd_id = row.clone();
        odd_id.id = name.to_owned();
        for odd in [odd_file, odd_id] {
            let error = store.locate(&odd).unwrap_err();
            assert!(error.to_string().contains("no plain file name"), "{error}");
        }
    }
}

#[test]
fn every_carried_row_has_plain_names() {
    let manifest = chextransfer_models::weights::Manifest::carried().unwrap();
    let (_folder, store) = empty_store();
    for row in manifest.checkpoints {
        assert_eq!(store.cached(&row).unwrap(), []);
    }
    assert_eq!(WeightStore::at(&store.cache).entries().unwrap(), []);
}
