//! The proxy that the environment names.

use std::fmt::Display;

use ureq::{Proxy, ProxyProtocol};

/// In the order in which they count; in lower case they count as well.
const VARIABLES: [&str; 3] = ["HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"];

/// The first of [`VARIABLES`] that names an HTTP proxy, with the hosts of `NO_PROXY`, those below
/// them, and this machine going without.
///
/// # Errors
/// One line for variables of which none names one: a direct connection could be against the user's
/// will.
pub(super) fn proxy(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, String> {
    let variable = |name: &str| {
        let value = variable(name).or_else(|| variable(&name.to_lowercase()))?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let named: Vec<_> = VARIABLES
        .iter()
        .filter_map(|name| Some((name, variable(name)?)))
        .collect();
    let Some((first, _)) = named.first() else {
        return Ok(None);
    };
    let unusable =
        |reason: &dyn Display| format!("{first} names no HTTP proxy (http://host:port): {reason}");
    let usable =
        |proxy: &Proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
    let Some(found) = named
        .iter()
        .find_map(|(_, value)| Proxy::new(value).ok().filter(usable))
    else {
        return Err(unusable(&"other kinds are not supported"));
    };
    let mut proxy = Proxy::builder(found.protocol())
        .host(found.host())
        .port(found.port());
    if let Some(name) = found.username() {
        proxy = proxy.username(name);
    }
    if let Some(password) = found.password() {
        proxy = proxy.password(password);
    }
    for local in ["localhost", "127.*", "[::1]"] {
        proxy = proxy.no_proxy(local);
    }
    let direct = variable("NO_PROXY").unwrap_or_default();
    for host in direct
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty())
    {
        proxy = proxy.no_proxy(host);
        if !host.starts_with(['.', '*']) {
            proxy = proxy.no_proxy(&format!(".{host}"));
        }
    }
    proxy.build().map(Some).map_err(|error| unusable(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Proxy>, String> {
        proxy(&|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn the_first_usable_variable_counts_and_one_that_is_none_is_not_gone_around() {
        assert!(of(&[("HTTPS_PROXY", "")]).unwrap().is_none());
        let both = [
            ("ALL_PROXY", "socks5://127.0.0.1:1080"),
            ("http_proxy", "http://us%40er:p%3Aw@proxy.example:3128"),
        ];
        let found = of(&both).unwrap().unwrap();
        assert_eq!((found.host(), found.port()), ("proxy.example", 3128));
        assert_eq!(
            (found.username(), found.password()),
            (Some("us@er"), Some("p:w"))
        );
        let message = of(&both[..1]).unwrap_err();
        assert!(
            message.contains("ALL_PROXY names no HTTP proxy"),
            "{message}"
        );
        let message = of(&[("HTTPS_PROXY", "http://")]).unwrap_err();
        assert!(message.contains("HTTPS_PROXY"), "{message}");
    }

    #[test]
    fn this_machine_and_the_hosts_of_no_proxy_go_without() {
        let variables = [
            ("HTTPS_PROXY", "proxy.example:3128"),
            ("NO_PROXY", "example.org, .inner.example"),
        ];
        let proxy = of(&variables).unwrap().unwrap();
        let without = |host: &str| proxy.is_no_proxy(&format!("https://{host}/a").parse().unwrap());
        for host in [
            "localhost:80",
            "127.0.0.1:8080",
            "[::1]:80",
            "example.org",
            "cdn.example.org",
            "a.inner.example",
        ] {
            assert!(without(host), "{host}");
        }
        for host in ["huggingface.co", "myexample.org", "inner.example"] {
            assert!(!without(host), "{host}");
        }
    }
}
