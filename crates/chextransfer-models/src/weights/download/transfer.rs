//! How files come over the network.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use crate::weights::store::HUB;

/// How files come over the network.
///
/// The proxy is the environment's: the first of `HTTPS_PROXY`, `ALL_PROXY` and `HTTP_PROXY` that
/// names an HTTP proxy; hosts of `NO_PROXY` and this machine itself do without. Certificates are judged by the system's own verifier, so
/// that an authority which the system trusts is trusted here; on Linux `SSL_CERT_FILE` names another
/// list of authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// What stands in for `https://huggingface.co`, without a final slash.
    pub endpoint: String,
    /// What lets us in at the hub; sent to no other host.
    pub token: Option<HubToken>,
    /// Longest time to find a host, and to connect to it.
    pub connect: Duration,
    /// Longest time without a single byte; a slow download that goes on may take as long as it takes.
    pub idle: Duration,
    /// Attempts that may end without a further byte; those that get further do not count.
    pub attempts: u32,
    /// Pause before the second attempt; doubled before each further one.
    pub pause: Duration,
}

/// A secret of the hub's user; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct HubToken(String);

impl Default for Transfer {
    fn default() -> Self {
        Self {
            endpoint: HUB.to_owned(),
            token: None,
            connect: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            attempts: 4,
            pause: Duration::from_secs(1),
        }
    }
}

impl Transfer {
    pub(in crate::weights) fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| Some(variable(name)?.to_string_lossy().trim().to_owned());
        let default = Self::default();
        let endpoint = text("HF_ENDPOINT").map(|url| url.trim_end_matches('/').to_owned());
        Self {
            endpoint: endpoint.unwrap_or(default.endpoint),
            token: text("HF_TOKEN").map(HubToken::from),
            ..default
        }
    }

    /// Where a file of the manifest is fetched.
    pub(super) fn address(&self, url: &str) -> String {
        match url.strip_prefix(HUB) {
            Some(path) if path.starts_with('/') => format!("{}{path}", self.endpoint),
            _ => url.to_owned(),
        }
    }

    /// The header that lets us in, for addresses of the hub alone.
    pub(super) fn authorization(&self, address: &str) -> Option<String> {
        let HubToken(token) = self.token.as_ref()?;
        let path = address.strip_prefix(self.endpoint.as_str())?;
        path.starts_with('/').then(|| format!("Bearer {token}"))
    }

    /// A client for one file. A way that begins with https never leads over plain http.
    pub(super) fn agent(&self, address: &str, proxy: Option<Proxy>) -> Agent {
        let system = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        Agent::config_builder()
            .user_agent(concat!("chextransfer/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .https_only(address.to_lowercase().starts_with("https://"))
            .max_redirects(10)
            .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
            .proxy(proxy)
            .tls_config(system)
            .timeout_resolve(Some(self.connect))
            .timeout_connect(Some(self.connect))
            .timeout_per_read(Some(self.idle))
            .timeout_per_write(Some(self.idle))
            .build()
            .new_agent()
    }
}

impl From<String> for HubToken {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl fmt::Debug for HubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_for_the_hub_and_not_for_a_host_whose_name_begins_like_it() {
        let transfer = Transfer {
            token: Some(HubToken::from("t".to_owned())),
            ..Transfer::default()
        };
        let hub = transfer.address("https://huggingface.co/timm/a/resolve/main/b");
        assert_eq!(transfer.authorization(&hub), Some("Bearer t".to_owned()));
        for other in [
            "https://huggingface.co.example/timm/a",
            "https://download.pytorch.org/models/a.pth",
        ] {
            assert_eq!(transfer.address(other), other);
            assert_eq!(transfer.authorization(other), None, "{other}");
        }
        let mirror = Transfer {
            endpoint: "http://mirror:8080/hf".to_owned(),
            ..transfer
        };
        let address = mirror.address("https://huggingface.co/timm/a/resolve/main/b");
        assert_eq!(address, "http://mirror:8080/hf/timm/a/resolve/main/b");
        assert!(mirror.authorization(&address).is_some());
        assert!(mirror.authorization(&hub).is_none());
    }
}
