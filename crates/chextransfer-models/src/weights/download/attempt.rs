//! One request for a file, and what arrives of it.

use std::io::{ErrorKind, Read};

use ureq::http::{HeaderMap, StatusCode, header};
use ureq::{Agent, Timeout};

use super::answer::Answer;
use super::partial::Partial;
use super::proxy::proxy;
use super::{Progress, Transfer};
use crate::weights::{Checkpoint, Pin};
use crate::{Error, Result};

/// Why an attempt ended before the file did.
pub(super) enum Failure {
    /// Another attempt may get further; the cause.
    Passing(String),
    /// No attempt will.
    Final(Error),
}

pub(super) struct Attempt<'a> {
    transfer: &'a Transfer,
    checkpoint: &'a Checkpoint,
    url: &'a str,
    agent: Agent,
    /// Says so, where a proxy is in between.
    through: String,
    /// Whether the server has ever answered.
    answered: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl<'a> Attempt<'a> {
    /// # Errors
    /// [`Error::DownloadFailed`] for a proxy that is none: going around it could be against the
    /// user's will.
    pub(super) fn new(
        transfer: &'a Transfer,
        checkpoint: &'a Checkpoint,
        url: &'a str,
    ) -> Result<Self> {
        let proxy =
            proxy(&|name| std::env::var(name).ok()).map_err(|reason| Error::DownloadFailed {
                url: url.to_owned(),
                reason,
            })?;
        let through = (proxy.as_ref())
            .filter(|proxy| !url.parse().is_ok_and(|url| proxy.is_no_proxy(&url)))
            .map(|proxy| format!(" (through the proxy {}:{})", proxy.host(), proxy.port()));
        Ok(Self {
            transfer,
            checkpoint,
            url,
            agent: transfer.agent(url, proxy),
            through: through.unwrap_or_default(),
            answered: false,
        })
    }

    /// Asks for what is missing and takes it in.
    pub(super) fn run(
        &mut self,
        partial: &mut Partial,
        progress: Progress<'_>,
    ) -> std::result::Result<(), Failure> {
        let mut request = self
            .agent
            .get(self.url)
            .header("Accept-Encoding", "identity");
        if let Some(authorization) = self.transfer.authorization(self.url) {
            request = request.header("Authorization", authorization);
        }
        let asked_from = partial.resumes().map_or(0, |_| partial.received());
        if let Some(etag) = partial.resumes() {
            request = request
                .header("Range", format!("bytes={asked_from}-"))
                .header("If-Range", etag);
        }
        let response = request.call().map_err(|error| self.failure(error))?;
        self.answered = true;
        let (parts, body) = response.into_parts();
        let total = match Answer::of(parts.status, &parts.headers, asked_from) {
            Answer::Complete => return Ok(()),
            Answer::Rest { total } => total,
            Answer::Whole { total, etag } => {
                self.require_end(&parts.headers, total)?;
                partial.restart(etag.as_deref())?;
                total
            }
            Answer::OtherPiece => {
                partial.restart(None)?;
                let reason = "the server sent another piece than the one that is missing";
                return Err(Failure::Passing(reason.to_owned()));
            }
            Answer::Later => {
                return Err(Failure::Passing(format!(
                    "the server answers {}",
                    parts.status
                )));
            }
            Answer::Refused => return Err(self.refused(parts.status)),
        };
        if let (Some(total), Some(size)) = (total, self.checkpoint.size)
            && total != size
        {
            let reason = format!("the server offers {total} bytes, the manifest says {size}");
            return Err(self.failed(reason));
        }
        let mut body = body.into_reader();
        let mut piece = vec![0; 1 << 16];
        loop {
            if progress(partial.received(), total).is_break() {
                return Err(Failure::Final(Error::DownloadStopped {
                    url: self.url.to_owned(),
                    received: partial.received(),
                }));
            }
            match body.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => partial.append(&piece[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(error.into())),
            }
        }
    }

    /// A body that ends with the connection cannot be told from one that was cut; where nothing is
    /// known of the content, nothing else would notice.
    fn require_end(
        &self,
        headers: &HeaderMap,
        total: Option<u64>,
    ) -> std::result::Result<(), Failure> {
        let told = total.is_some() || headers.contains_key(header::TRANSFER_ENCODING);
        if told || self.checkpoint.pin != Pin::FirstUse {
            return Ok(());
        }
        Err(self.failed("the server does not say where the file ends, and its digest is not known"))
    }

    fn refused(&self, status: StatusCode) -> Failure {
        let help = match status.as_u16() {
            401 | 403 if self.transfer.authorization(self.url).is_some() => {
                "; the hub does not let the holder of HF_TOKEN in"
            }
            401 | 403 => "; if the file is not public, HF_TOKEN lets a user of the hub in",
            404 | 410 => {
                "; the file is no longer there: look for it on its publisher's pages, and give its folder with --weights-dir"
            }
            407 => "; the proxy wants a name and a password",
            _ => "",
        };
        self.failed(format!("the server answers {status}{help}"))
    }

    /// Sorts the ways in which a connection fails: nobody was reached, it was cut, or neither.
    fn failure(&self, error: ureq::Error) -> Failure {
        let (unreachable, cut) = match &error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_) => (true, false),
            ureq::Error::Timeout(_) | ureq::Error::BodyStalled => (false, true),
            ureq::Error::Io(io) => match io.kind() {
                // What a certificate that is not trusted ends in.
                ErrorKind::InvalidData => (false, false),
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut => (false, true),
                _ => (true, false),
            },
            _ => (false, false),
        };
        let reason = match &error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                format!("no connection within {:?}", self.transfer.connect)
            }
            ureq::Error::Timeout(_) => format!("nothing came for {:?}", self.transfer.idle),
            ureq::Error::Io(io) if io.kind() == ErrorKind::UnexpectedEof => {
                "the connection was cut".to_owned()
            }
            ureq::Error::Io(io) if io.kind() == ErrorKind::InvalidData => {
                format!("{io}; is its authority one that this system trusts?")
            }
            ureq::Error::Io(io) => io.to_string(),
            ureq::Error::RequireHttpsOnly(to) => {
                format!("it redirects from https to {to}, which is not followed")
            }
            ureq::Error::TooManyRedirects => "it redirects more than 10 times".to_owned(),
            error => error.to_string(),
        };
        let reason = reason + &self.through;
        // Who has answered once is there, and may answer again.
        if cut || unreachable && self.answered {
            return Failure::Passing(reason);
        }
        let help = match unreachable {
            true => "; a file that was fetched elsewhere is found with --weights-dir",
            false => "",
        };
        self.failed(reason + help)
    }

    fn failed(&self, reason: impl Into<String>) -> Failure {
        Failure::Final(Error::DownloadFailed {
            url: self.url.to_owned(),
            reason: reason.into(),
        })
    }
}
