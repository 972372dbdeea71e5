//! Downloads that end before the file does.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chextransfer_models::Error;
use chextransfer_models::weights::WeightStore;

use crate::server::{Server, respond, serve_file};
use crate::setting::{FIRST_USE, assert_says, content, empty_store, fails, fetch, row, whole};

const ETAG: &str = "\"v1\"";

/// A server that knows ranges, and how many bytes of the file it has sent; every answer is cut
/// after `cut` bytes.
fn server_with_ranges(cut: usize) -> (Server, Arc<AtomicUsize>) {
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    let server = Server::start(move |request, _, stream| {
        let sent = serve_file(request, stream, &content(), ETAG, cut)?;
        count.fetch_add(sent, Ordering::SeqCst);
        Ok(())
    });
    (server, served)
}

/// Leaves half of the file behind.
fn stop_half_way(store: &WeightStore, url: &str, pin: &str) {
    let error = store
        .fetch(&row(url, pin), &mut |received, _| match received {
            150_000.. => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap_err();
    assert!(matches!(error, Error::DownloadStopped { .. }), "{error}");
    assert!(std::fs::metadata(part(store)).unwrap().len() >= 150_000);
}

fn part(store: &WeightStore) -> PathBuf {
    let downloads = std::fs::read_dir(store.cache.join("downloads")).unwrap();
    let mut paths = downloads.map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.extension().is_some_and(|end| end == "part"))
        .unwrap()
}

#[test]
fn a_connection_that_is_cut_again_and_again_brings_every_byte_once() {
    // More cuts than attempts that may fail: those that get further do not count.
    let (server, served) = server_with_ranges(50_000);
    let (_folder, store) = empty_store();
    let located = fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
    assert_eq!(std::fs::read(located.path).unwrap(), content());
    assert_eq!(served.load(Ordering::SeqCst), content().len());
    let asked = server.requests();
    let starts: Vec<_> = asked.iter().map(|request| request.range_start()).collect();
    let expected = [50_000, 100_000, 150_000, 200_000, 250_000].map(Some);
    assert_eq!((starts[0], &starts[1..]), (None, &expected[..]));
    assert_eq!(asked[1].header("if-range"), Some(ETAG));
}

#[test]
fn a_download_that_was_stopped_goes_on_in_the_next_call() {
    let (server, _) = server_with_ranges(usize::MAX);
    let (_folder, store) = empty_store();
    let pin = whole(&content());
    stop_half_way(&store, &server.url("weights"), &pin);
    let left = std::fs::metadata(part(&store)).unwrap().len() as usize;
    fetch(&store, &row(&server.url("weights"), &pin)).unwrap();
    assert_eq!(server.requests()[1].range_start(), Some(left));
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let old = vec![7; 300_000];
    let server = Server::start(move |request, before, stream| {
        let (content, etag) = match before {
            0 => (old.clone(), "\"v0\""),
            _ => (content(), ETAG),
        };
        serve_file(request, stream, &content, etag, usize::MAX).map(drop)
    });
    let (_folder, store) = empty_store();
    let pin = whole(&content());
    stop_half_way(&store, &server.url("weights"), &pin);
    fetch(&store, &row(&server.url("weights"), &pin)).unwrap();
    assert_eq!(server.requests()[1].header("if-range"), Some("\"v0\""));
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_again() {
    let server = Server::start(|_, before, stream| {
        let content = content();
        let tag = format!("ETag: {ETAG}\r\n");
        match before {
            0 => crate::server::head(stream, "200 OK", &tag, content.len())
                .and_then(|()| std::io::Write::write_all(stream, &content[..100_000])),
            _ => respond(stream, "200 OK", &tag, &content),
        }
    });
    let (_folder, store) = empty_store();
    let located = fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
    assert_eq!(std::fs::read(located.path).unwrap(), content());
    let starts: Vec<_> = server.requests().iter().map(|r| r.range_start()).collect();
    assert_eq!(starts, [None, Some(100_000)]);
}

#[test]
fn nothing_is_added_to_content_without_a_strong_name() {
    for tag in ["", "ETag: W/\"v1\"\r\n"] {
        let server = Server::start(move |_, before, stream| {
            let content = content();
            crate::server::head(stream, "200 OK", tag, content.len())?;
            let end = if before == 0 { 100_000 } else { content.len() };
            std::io::Write::write_all(stream, &content[..end])
        });
        let (_folder, store) = empty_store();
        fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
        let starts: Vec<_> = server.requests().iter().map(|r| r.range_start()).collect();
        assert_eq!(starts, [None, None]);
    }
}

#[test]
fn a_server_that_sends_another_piece_is_not_believed() {
    let server = Server::start(|_, before, stream| match before {
        1 => respond(
            stream,
            "206 Partial Content",
            "Content-Range: bytes 0-99/300000\r\n",
            &content()[..100],
        ),
        _ => {
            let tag = format!("ETag: {ETAG}\r\n");
            crate::server::head(stream, "200 OK", &tag, content().len())?;
            let end = if before == 0 {
                100_000
            } else {
                content().len()
            };
            std::io::Write::write_all(stream, &content()[..end])
        }
    });
    let (_folder, store) = empty_store();
    fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
    assert_eq!(server.requests()[2].range_start(), None);
}

#[test]
fn a_part_that_was_damaged_on_the_disk_is_caught_and_does_not_stay() {
    let (server, _) = server_with_ranges(usize::MAX);
    let (_folder, store) = empty_store();
    let pin = whole(&content());
    stop_half_way(&store, &server.url("weights"), &pin);
    let part = part(&store);
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    let error = fails(&store, &row(&server.url("weights"), &pin));
    assert!(matches!(error, Error::DownloadWrong { .. }), "{error}");
    assert!(!part.exists());
    fetch(&store, &row(&server.url("weights"), &pin)).unwrap();
}

#[test]
fn an_old_part_is_not_built_on_where_no_digest_would_tell() {
    let (server, _) = server_with_ranges(usize::MAX);
    let (_folder, store) = empty_store();
    stop_half_way(&store, &server.url("weights"), FIRST_USE);
    fetch(&store, &row(&server.url("weights"), FIRST_USE)).unwrap();
    assert_eq!(server.requests()[1].range_start(), None);
}

#[test]
fn a_part_that_lacks_only_its_name_gets_it() {
    let (server, served) = server_with_ranges(usize::MAX);
    let (_folder, store) = empty_store();
    let pin = whole(&content());
    stop_half_way(&store, &server.url("weights"), &pin);
    std::fs::write(part(&store), content()).unwrap();
    let before = served.load(Ordering::SeqCst);
    let located = fetch(&store, &row(&server.url("weights"), &pin)).unwrap();
    assert_eq!(std::fs::read(located.path).unwrap(), content());
    assert_eq!(served.load(Ordering::SeqCst), before);
}

#[test]
fn a_server_that_never_gets_further_is_given_up_with_what_has_come() {
    let server = Server::start(|request, _, stream| {
        // The first 100,000 bytes, and never one more.
        let cut = 100_000 - request.range_start().unwrap_or(0).min(100_000);
        serve_file(request, stream, &content(), ETAG, cut).map(drop)
    });
    let (_folder, store) = empty_store();
    let error = fails(&store, &row(&server.url("weights"), &whole(&content())));
    let parts = [
        "the connection was cut",
        "100000 bytes have arrived",
        "goes on",
    ];
    assert_says(&error, &parts);
    assert_eq!(std::fs::metadata(part(&store)).unwrap().len(), 100_000);
}
