//! Servers, good and bad.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use chextransfer_models::Error;
use chextransfer_models::weights::{HubToken, Origin, sha256_hex};

use crate::server::{Server, head, respond};
use crate::setting::{
    FIRST_USE, assert_says, content, empty_store, fails, fetch, files, prefix, row, whole,
};

fn plain_server() -> Server {
    Server::start(|_, _, stream| respond(stream, "200 OK", "", &content()))
}

#[test]
fn the_pinned_file_lands_under_its_digest_and_is_fetched_once() {
    let server = plain_server();
    for pin in [whole(&content()), prefix(&content())] {
        let (_folder, store) = empty_store();
        let row = row(&server.url("weights"), &pin);
        let before = server.requests().len();
        let mut told = Vec::new();
        let located = store
            .fetch(&row, &mut |received, total| {
                told.push((received, total));
                ControlFlow::Continue(())
            })
            .unwrap();
        let sha256 = sha256_hex(&content());
        assert_eq!(located.origin, Origin::Download(row.url.clone()));
        assert_eq!(located.sha256, sha256);
        assert_eq!(std::fs::read(&located.path).unwrap(), content());
        let length = content().len() as u64;
        assert_eq!(told.first(), Some(&(0, Some(length))));
        assert_eq!(told.last(), Some(&(length, Some(length))));
        assert!(told.is_sorted());
        let kept: Vec<_> = files(&store.cache);
        assert!(
            kept.contains(&format!("sha256/{sha256}/weights.bin")),
            "{kept:?}"
        );
        assert!(
            !kept.iter().any(|path| path.starts_with("downloads")),
            "{kept:?}"
        );

        let again = fetch(&store, &row).unwrap();
        assert_eq!((again.origin, again.path), (Origin::Cache, located.path));
        assert_eq!(server.requests().len(), before + 1);
    }
}

#[test]
fn another_file_than_the_pinned_one_is_refused_and_nothing_is_kept() {
    let server = plain_server();
    for pin in [whole(b"another"), prefix(b"another")] {
        let (_folder, store) = empty_store();
        let error = fails(&store, &row(&server.url("weights"), &pin));
        assert!(matches!(error, Error::DownloadWrong { .. }), "{error}");
        let [found, expected] = [content(), b"another".to_vec()].map(|bytes| sha256_hex(&bytes));
        assert_says(&error, &[&found, &expected[..8], "300000 bytes"]);
        assert_eq!(files(&store.cache), [""; 0]);
    }
}

#[test]
fn a_missing_file_is_said_at_once() {
    let server =
        Server::start(|_, _, stream| respond(stream, "404 Not Found", "", b"no such file"));
    let (_folder, store) = empty_store();
    let row = row(&server.url("weights"), &whole(&content()));
    assert_says(&fails(&store, &row), &[&row.url, "404", "--weights-dir"]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_closed_door_names_the_variable_that_opens_it() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let server = Server::start(move |_, _, stream| respond(stream, status, "", b""));
        let (_folder, store) = empty_store();
        let row = row(&server.url("weights"), &whole(&content()));
        assert_says(&fails(&store, &row), &[&status[..3], "HF_TOKEN"]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_hub_s_stand_in_is_asked_with_the_token_and_other_hosts_are_asked_without() {
    let content_host = plain_server();
    // The same machine under another name: another host.
    let elsewhere = content_host.url("blob").replace("127.0.0.1", "localhost");
    let location = format!("Location: {elsewhere}\r\n");
    let hub = Server::start(move |_, _, stream| respond(stream, "302 Found", &location, b""));
    let (_folder, mut store) = empty_store();
    store.transfer.endpoint = hub.url("mirror");
    store.transfer.token = Some(HubToken::from("hf_secret".to_owned()));
    let on_the_hub = "https://huggingface.co/org/name/resolve/main/model.safetensors";
    fetch(&store, &row(on_the_hub, &whole(&content()))).unwrap();

    let asked = hub.requests();
    let path = "GET /mirror/org/name/resolve/main/model.safetensors";
    assert_eq!(asked[0].line, path);
    assert_eq!(asked[0].header("authorization"), Some("Bearer hf_secret"));
    let asked = content_host.requests();
    assert_eq!((asked.len(), asked[0].header("authorization")), (1, None));

    let (_folder, mut store) = empty_store();
    store.transfer.token = Some(HubToken::from("hf_secret".to_owned()));
    fetch(&store, &row(&content_host.url("file"), &whole(&content()))).unwrap();
    assert_eq!(content_host.requests()[1].header("authorization"), None);
}

#[test]
fn redirects_are_followed_but_not_in_circles() {
    let server = Server::start(|request, _, stream| match request.line.as_str() {
        "GET /round" => respond(stream, "302 Found", "Location: /round\r\n", b""),
        "GET /moved" => respond(stream, "301 Moved", "Location: there?x=1\r\n", b"moved"),
        "GET /there?x=1" => respond(stream, "200 OK", "", &content()),
        _ => respond(stream, "404 Not Found", "", b""),
    });
    let (_folder, store) = empty_store();
    fetch(&store, &row(&server.url("moved"), &whole(&content()))).unwrap();
    let (_folder, store) = empty_store();
    let error = fails(&store, &row(&server.url("round"), &whole(&content())));
    assert_says(&error, &["redirects more than 10 times"]);
    assert_eq!(server.requests().len(), 2 + 11);
}

#[test]
fn a_server_in_trouble_is_asked_again_and_not_for_ever() {
    let server = Server::start(|_, before, stream| match before {
        0 => respond(stream, "503 Service Unavailable", "", b""),
        1 => respond(stream, "429 Too Many Requests", "", b""),
        _ => respond(stream, "200 OK", "", &content()),
    });
    let (_folder, store) = empty_store();
    fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = Server::start(|_, _, stream| respond(stream, "503 Service Unavailable", "", b""));
    let (_folder, store) = empty_store();
    let error = fails(&store, &row(&server.url("weights"), &whole(&content())));
    assert_says(&error, &["503", "3 attempts"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_slow_server_that_goes_on_is_waited_for() {
    let server = Server::start(|_, _, stream| {
        let content = content();
        head(stream, "200 OK", "", content.len())?;
        for piece in content.chunks(content.len() / 10) {
            stream.write_all(piece)?;
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    });
    let (_folder, mut store) = empty_store();
    store.transfer.idle = Duration::from_millis(600);
    let start = Instant::now();
    fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
    assert!(start.elapsed() > store.transfer.idle, "it was not slow");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let server = Server::start(|request, _, stream| {
        if request.line == "GET /in-the-middle" {
            head(stream, "200 OK", "", 1000)?;
            stream.write_all(&[0; 500])?;
        }
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    for path in ["in-the-middle", "before-it-begins"] {
        let (_folder, mut store) = empty_store();
        store.transfer.idle = Duration::from_millis(150);
        let start = Instant::now();
        let error = fails(&store, &row(&server.url(path), &whole(&content())));
        assert_says(&error, &["nothing came for 150ms", "attempts"]);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_length_that_is_not_true_is_noticed() {
    let server = Server::start(|request, _, stream| {
        let content = content();
        let announced = match request.line.as_str() {
            "GET /short" => content.len() - 1,
            _ => content.len() + 1,
        };
        head(stream, "200 OK", "", announced)?;
        stream.write_all(&content)
    });
    let (_folder, store) = empty_store();
    let error = fails(&store, &row(&server.url("short"), &whole(&content())));
    assert_says(&error, &["299999 bytes", "not the pinned file"]);
    let error = fails(&store, &row(&server.url("long"), &whole(&content())));
    assert_says(&error, &["the connection was cut"]);

    let mut sized = row(&server.url("long"), &whole(&content()));
    sized.size = Some(300_000);
    let asked = server.requests().len();
    let error = fails(&store, &sized);
    assert_says(&error, &["offers 300001 bytes, the manifest says 300000"]);
    assert_eq!(server.requests().len(), asked + 1);
}

#[test]
fn an_end_that_cannot_be_told_from_a_cut_needs_a_digest() {
    let server = Server::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        stream.write_all(&content())
    });
    let (_folder, store) = empty_store();
    let error = fails(&store, &row(&server.url("weights"), FIRST_USE));
    assert_says(&error, &["does not say where the file ends"]);
    assert_eq!(
        files(&store.cache)
            .iter()
            .filter(|path| path.contains("sha256"))
            .count(),
        0
    );
    fetch(&store, &row(&server.url("weights"), &whole(&content()))).unwrap();
}

#[test]
fn a_host_that_is_not_there_is_said_without_waiting() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let (_folder, mut store) = empty_store();
    store.transfer.pause = Duration::from_secs(30);
    let start = Instant::now();
    let row = row(&format!("http://{address}/weights"), &whole(&content()));
    assert_says(
        &fails(&store, &row),
        &["cannot fetch", "refused", "--weights-dir"],
    );
    assert!(start.elapsed() < Duration::from_secs(5));
}
