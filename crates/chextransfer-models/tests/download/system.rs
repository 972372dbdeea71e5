//! What only a process of its own can show: full disks, closed folders, proxies, certificates.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chextransfer_models::weights::sha256_hex;

use crate::server::{Server, head, respond};
use crate::setting::{FIRST_USE, child, content, empty_store, files, outcome, whole};

const DIRECT: &str = r#"exec "$@""#;

fn plain_server() -> Server {
    Server::start(|_, _, stream| respond(stream, "200 OK", "", &content()))
}

fn run(mut command: Command) -> Option<String> {
    outcome(command.spawn().unwrap())
}

/// Whether a shell command of this kind works here.
fn works(command: &str) -> bool {
    let status = Command::new("sh")
        .args(["-c", command])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn two_processes_at_once_fetch_the_file_once() {
    let server = Server::start(|_, _, stream| {
        let content = content();
        head(stream, "200 OK", "", content.len())?;
        stream.write_all(&content[..1000])?;
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(&content[1000..])
    });
    for pin in [whole(&content()), FIRST_USE.to_owned()] {
        let (_folder, store) = empty_store();
        let before = server.requests().len();
        let start = || {
            child(DIRECT, &store.cache, &server.url("weights"), &pin)
                .spawn()
                .unwrap()
        };
        let children: Vec<Child> = (0..3).map(|_| start()).collect();
        let outcomes = children.into_iter().map(|child| outcome(child).unwrap());
        let (fetched, found): (Vec<_>, Vec<_>) =
            outcomes.partition(|line| line.starts_with("fetched"));
        assert_eq!((fetched.len(), found.len()), (1, 2), "{found:?}");
        assert!(
            found
                .iter()
                .all(|line| line.starts_with("found in the cache")),
            "{found:?}"
        );
        assert_eq!(server.requests().len(), before + 1);
    }
}

#[test]
fn a_process_that_dies_half_way_leaves_no_file_and_no_lock() {
    let server = Server::start(|_, before, stream| {
        if before > 0 {
            return respond(stream, "200 OK", "", &content());
        }
        head(stream, "200 OK", "", content().len())?;
        stream.write_all(&content()[..1000])?;
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    let (_folder, store) = empty_store();
    let pin = whole(&content());
    let mut killed = child(DIRECT, &store.cache, &server.url("weights"), &pin)
        .spawn()
        .unwrap();
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(
        !files(&store.cache)
            .iter()
            .any(|path| path.starts_with("sha256"))
    );
    let line = run(child(DIRECT, &store.cache, &server.url("weights"), &pin)).unwrap();
    assert!(line.starts_with("fetched"), "{line}");
}

#[test]
fn a_full_disk_is_named_and_what_helps() {
    let server = plain_server();
    let pin = whole(&content());
    // A limit on the size of files needs no rights: writing beyond it fails like a full disk.
    let (_folder, store) = empty_store();
    let limited = r#"trap '' XFSZ; ulimit -f 64; exec "$@""#;
    let line = run(child(limited, &store.cache, &server.url("weights"), &pin)).unwrap();
    let part = store.cache.join("downloads").display().to_string();
    for says in [
        "error: weights cache",
        part.as_str(),
        "make room",
        "CHEXTRANSFER_WEIGHTS",
    ] {
        assert!(line.contains(says), "`{says}` is not in: {line}");
    }
    assert!(
        !files(&store.cache)
            .iter()
            .any(|path| path.starts_with("sha256"))
    );

    let tiny = r#"mount -t tmpfs -o size=64k none "$TEST_CACHE" && exec "$@""#;
    let (folder, _) = empty_store();
    if !works("unshare -Urm mount -t tmpfs -o size=64k none /mnt") {
        eprintln!("skipped: this machine lets no user mount a small disk");
        return;
    }
    let wrapper = format!("exec unshare -Urm sh -c '{tiny}' sh \"$@\"");
    let line = run(child(&wrapper, folder.path(), &server.url("weights"), &pin)).unwrap();
    assert!(
        line.contains("No space left") && line.contains("make room"),
        "{line}"
    );
}

#[test]
fn a_cache_that_cannot_be_written_is_named_and_what_helps() {
    let server = plain_server();
    let (folder, store) = empty_store();
    std::fs::create_dir(&store.cache).unwrap();
    std::fs::set_permissions(&store.cache, PermissionsExt::from_mode(0o555)).unwrap();
    // Root writes everywhere, except in a namespace in which it is nobody.
    let closed = |wrapper: &str| {
        let probe = store.cache.join("probe");
        let closed = !works(&format!("{wrapper} mkdir {}", probe.display()));
        works(&format!("{wrapper} true")) && (closed || std::fs::remove_dir(probe).is_err())
    };
    let Some(wrapper) = ["", "unshare -U"]
        .into_iter()
        .find(|wrapper| closed(wrapper))
    else {
        eprintln!("skipped: this user writes into folders that are closed");
        return;
    };
    let pin = whole(&content());
    let wrapper = format!("exec {wrapper} \"$@\"");
    let line = run(child(&wrapper, &store.cache, &server.url("weights"), &pin)).unwrap();
    let path = store.cache.display().to_string();
    for says in [
        "error: weights cache",
        path.as_str(),
        "CHEXTRANSFER_WEIGHTS",
    ] {
        assert!(line.contains(says), "`{says}` is not in: {line}");
    }
    assert_eq!(server.requests().len(), 0);
    drop(folder);
}

#[test]
fn a_cache_where_a_file_is_in_the_way_is_named() {
    let (folder, _) = empty_store();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let line = run(child(
        DIRECT,
        &file.join("cache"),
        "http://127.0.0.1:9/",
        FIRST_USE,
    ))
    .unwrap();
    assert!(
        line.contains("error: weights cache") && line.contains("file/cache"),
        "{line}"
    );
}

#[test]
fn the_proxy_of_the_environment_is_asked_for_hosts_that_only_it_knows() {
    // What a client says after CONNECT goes to the same connection: this proxy is the host as well.
    let proxy = Server::start(|request, _, stream| {
        assert_eq!(request.line, "CONNECT weights.invalid:80");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let asked = BufReader::new(&*stream).lines().map_while(Result::ok);
        let first = asked.take_while(|line| !line.is_empty()).next();
        assert_eq!(first.as_deref(), Some("GET /weights HTTP/1.1"));
        respond(stream, "200 OK", "", &content())
    });
    let url = "http://weights.invalid/weights";
    let with = |variables: &[(&str, &str)]| {
        let (_folder, store) = empty_store();
        let mut command = child(DIRECT, &store.cache, url, &whole(&content()));
        for name in ["HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.envs(variables.iter().copied());
        run(command).unwrap()
    };
    let address = proxy.url("");
    let line = with(&[("HTTP_PROXY", &address)]);
    assert!(
        line.starts_with("fetched from http://weights.invalid"),
        "{line}"
    );
    assert_eq!(proxy.requests().len(), 1);
    let line = with(&[("HTTP_PROXY", &address), ("NO_PROXY", "weights.invalid")]);
    assert!(line.starts_with("error: cannot fetch"), "{line}");
    let line = with(&[("HTTPS_PROXY", "socks5://127.0.0.1:1")]);
    assert!(line.contains("HTTPS_PROXY names no HTTP proxy"), "{line}");
    assert_eq!(proxy.requests().len(), 1);
}

/// `openssl s_server` with files that hold whole answers.
struct TlsServer {
    process: Child,
    address: String,
}

impl TlsServer {
    /// Makes an authority and a certificate from it in `folder`, and serves the folder's files.
    fn start(folder: &Path) -> Option<Self> {
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command
                .args(arguments.split_whitespace())
                .current_dir(folder);
            command.stdin(Stdio::null()).stderr(Stdio::null());
            command
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        let leaf = "-subj /CN=leaf -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1";
        for arguments in [
            format!("req -x509 {key} -subj /CN=authority -keyout ca.key -out ca.pem"),
            format!(
                "req -x509 -CA ca.pem -CAkey ca.key {key} {leaf} -keyout leaf.key -out leaf.pem"
            ),
        ] {
            if !openssl(&arguments)
                .status()
                .is_ok_and(|status| status.success())
            {
                return None;
            }
        }
        let serve = "s_server -accept 127.0.0.1:0 -cert leaf.pem -key leaf.key -HTTP";
        let mut process = openssl(serve).stdout(Stdio::piped()).spawn().ok()?;
        let mut lines = BufReader::new(process.stdout.take()?)
            .lines()
            .map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("ACCEPT ")?.to_owned()))?;
        // Whoever closes this pipe ends the server.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, address })
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn https_trusts_whom_the_system_trusts_and_never_leads_to_plain_http() {
    let plain = plain_server();
    let (folder, store) = empty_store();
    let answer = |name: &str, status: &str, headers: &str, body: &[u8]| {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n"
        );
        std::fs::write(folder.path().join(name), [head.as_bytes(), body].concat()).unwrap();
    };
    answer("weights", "200 OK", "", b"secure");
    let location = format!("Location: {}\r\n", plain.url("weights"));
    answer("moved", "302 Found", &location, b"");
    let Some(server) = TlsServer::start(folder.path()) else {
        eprintln!("skipped: no openssl that makes certificates and serves files");
        return;
    };
    let fetch = |path: &str, authorities: Option<&str>| {
        let url = format!("https://{}/{path}", server.address);
        let mut command = child(DIRECT, &store.cache, &url, &whole(b"secure"));
        if let Some(authorities) = authorities {
            command.env("SSL_CERT_FILE", folder.path().join(authorities));
        }
        run(command).unwrap()
    };
    let line = fetch("weights", None);
    assert!(
        line.contains("error: cannot fetch") && line.contains("authority"),
        "{line}"
    );
    assert!(!line.contains("attempts"), "it was asked again: {line}");
    let line = fetch("moved", Some("ca.pem"));
    assert!(line.contains("redirects from https to http://"), "{line}");
    assert_eq!(plain.requests().len(), 0);
    let line = fetch("weights", Some("ca.pem"));
    assert!(
        line.starts_with("fetched") && line.contains(&sha256_hex(b"secure")),
        "{line}"
    );
}
