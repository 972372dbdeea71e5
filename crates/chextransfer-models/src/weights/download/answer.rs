//! What a server's answer means for a download.

use ureq::http::{HeaderMap, StatusCode, header};

/// What to do with the body that follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is the whole file; its length and its strong or weak name, where the server says.
    Whole {
        total: Option<u64>,
        etag: Option<String>,
    },
    /// It is what is missing of a file of this length.
    Rest { total: Option<u64> },
    /// Nothing is missing.
    Complete,
    /// It is another piece than the one that is missing.
    OtherPiece,
    /// The server is busy or in trouble: ask again.
    Later,
    /// The server will not give the file.
    Refused,
}

impl Answer {
    /// Reads status and headers of an answer to a request for what follows the first `received`
    /// bytes, or for the whole file when there are none.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, received: u64) -> Self {
        let text = |name| headers.get(name)?.to_str().ok();
        let range = || ContentRange::of(text(header::CONTENT_RANGE)?);
        match status.as_u16() {
            200 => Self::Whole {
                total: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
                etag: text(header::ETAG).map(str::to_owned),
            },
            206 if received > 0 => match range() {
                Some(ContentRange {
                    start: Some(start),
                    total,
                }) if start == received => Self::Rest { total },
                _ => Self::OtherPiece,
            },
            416 if received > 0 => match range() {
                Some(ContentRange {
                    start: None,
                    total: Some(total),
                }) if total == received => Self::Complete,
                _ => Self::OtherPiece,
            },
            408 | 429 | 500 | 502 | 503 | 504 => Self::Later,
            _ => Self::Refused,
        }
    }
}

/// `bytes START-END/TOTAL` or `bytes */TOTAL` (RFC 9110, 14.4).
struct ContentRange {
    start: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    fn of(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let start = match range {
            "*" => None,
            range => Some(range.split_once('-')?.0.parse().ok()?),
        };
        let total = match total {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        Some(Self { start, total })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn answer(status: u16, range: &str, received: u64) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, range.parse().unwrap());
        Answer::of(StatusCode::from_u16(status).unwrap(), &headers, received)
    }

    #[test]
    fn only_the_piece_that_is_missing_is_added() {
        let rest = Answer::Rest { total: Some(100) };
        assert_eq!(answer(206, "bytes 40-99/100", 40), rest);
        assert_eq!(
            answer(206, "bytes 40-99/*", 40),
            Answer::Rest { total: None }
        );
        for odd in [
            "bytes 39-99/100",
            "bytes */100",
            "items 40-99/100",
            "bytes 40",
            "",
        ] {
            assert_eq!(answer(206, odd, 40), Answer::OtherPiece, "{odd}");
        }
        assert_eq!(answer(206, "bytes 0-99/100", 0), Answer::Refused);
    }

    #[test]
    fn a_file_that_was_complete_already_is_told_from_one_that_shrank() {
        assert_eq!(answer(416, "bytes */100", 100), Answer::Complete);
        assert_eq!(answer(416, "bytes */90", 100), Answer::OtherPiece);
        assert_eq!(answer(416, "bytes */0", 0), Answer::Refused);
    }
}
