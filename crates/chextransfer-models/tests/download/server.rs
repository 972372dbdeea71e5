//! A small HTTP/1.1 server on loopback: one thread a connection, one request a connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a client asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and target, such as `GET /file`.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first byte that is asked for.
    pub(crate) fn range_start(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }

    fn read(stream: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let line = lines.next()?;
        let headers = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_lowercase(), value.trim().to_owned()))
            })
            .collect();
        let line = line.trim_end_matches(" HTTP/1.1").to_owned();
        Some(Self { line, headers })
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers every request by `answer`, which is also told how many came before.
    pub(crate) fn start(
        answer: impl Fn(&Request, usize, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Some(request) = Request::read(&stream) else {
                        return;
                    };
                    let before = {
                        let mut log: std::sync::MutexGuard<'_, Vec<_>> = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    // A client that has seen enough hangs up; that is its right.
                    let _ = answer(&request, before, &mut stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// A whole answer; `headers` are lines with their ends.
pub(crate) fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<()> {
    head(stream, status, headers, body.len())?;
    stream.write_all(body)
}

/// Status and headers of an answer that announces `length` bytes.
pub(crate) fn head(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    length: usize,
) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n"
    )
}

/// Serves `content` under an ETag, from the byte that is asked for as long as the ETag agrees;
/// the connection ends after `cut` bytes of each answer.
pub(crate) fn serve_file(
    request: &Request,
    stream: &mut TcpStream,
    content: &[u8],
    etag: &str,
    cut: usize,
) -> std::io::Result<usize> {
    let start = request.range_start();
    let start = start.filter(|_| request.header("if-range") == Some(etag));
    let total = content.len();
    let tag = format!("ETag: {etag}\r\n");
    let rest = &content[start.unwrap_or(0).min(total)..];
    match start {
        Some(start) if start >= total => {
            let range = format!("Content-Range: bytes */{total}\r\n");
            respond(stream, "416 Range Not Satisfiable", &range, b"")?;
            return Ok(0);
        }
        Some(start) => {
            let range = format!(
                "{tag}Content-Range: bytes {start}-{}/{total}\r\n",
                total - 1
            );
            head(stream, "206 Partial Content", &range, rest.len())?;
        }
        None => head(stream, "200 OK", &tag, rest.len())?,
    }
    let served = &rest[..rest.len().min(cut)];
    stream.write_all(served)?;
    Ok(served.len())
}
