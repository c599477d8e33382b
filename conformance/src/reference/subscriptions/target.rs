//! Where webhooks may go (§12.8): over TLS, and to nowhere local, or whoever can subscribe can reach what only the server can.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::reference::defect::{Flaw, Flaws};

/// Names that mean this machine or its network wherever they are looked up.
const LOCAL: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];

/// Whether webhooks are sent to this URL; if not, why. With `development`, plain HTTP to the loopback interface is fine.
pub(super) fn check(url: &str, development: bool, flaws: Flaws) -> Result<(), &'static str> {
    let url = Url::parse(url).map_err(|_| "webhook.url is no URL")?;
    let Some(host) = url.host() else {
        return Err("webhook.url has no host");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("webhook.url holds credentials");
    }
    match url.scheme() {
        "https" if is_local(&host) && !is_overlooked(&host, flaws) => Err("webhook.url is local"),
        "https" => Ok(()),
        "http" if development && is_loopback(&host) => Ok(()),
        "http" if flaws.has(Flaw::PlainWebhooksAreTaken) => Ok(()),
        _ => Err("webhook.url is not https"),
    }
}

/// Whether a server with this flaw takes the host for one like any other.
fn is_overlooked(host: &Host<&str>, flaws: Flaws) -> bool {
    const METADATA: Host<&str> = Host::Ipv4(Ipv4Addr::new(169, 254, 169, 254));
    flaws.has(Flaw::LocalWebhooksAreTaken)
        || flaws.has(Flaw::MetadataWebhooksAreTaken) && *host == METADATA
        || flaws.has(Flaw::LocalIpv6IsTaken) && matches!(host, Host::Ipv6(_))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            // A name without a point is looked up near by.
            !name.contains('.') || LOCAL.iter().any(|end| name.ends_with(end))
        }
        Host::Ipv4(address) => is_local_v4(*address),
        Host::Ipv6(address) => is_local_v6(*address),
    }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 0
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        // What providers share among their customers (RFC 6598); some clouds have their metadata there.
        || (first == 100 && second & 0b1100_0000 == 64)
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
        // What is an IPv4 address in other clothes.
        || address.to_ipv4().is_some_and(is_local_v4)
        || matches!(address.segments(), [0x64, 0xff9b, ..] | [0x2002, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, development: bool) -> Result<(), &'static str> {
        super::check(url, development, Flaws::default())
    }

    #[test]
    fn only_https_to_somewhere_else_is_allowed() {
        for good in [
            "https://example.com/hook",
            "https://example.com:8443",
            "https://8.8.8.8/",
            "https://172.32.0.1/",
            "https://[2606:4700::1111]/",
        ] {
            assert_eq!(check(good, false), Ok(()), "{good}");
        }
        for bad in [
            "",
            "hook",
            "http://example.com/",
            "ftp://example.com/",
            "https://user:secret@example.com/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://printer/",
            "https://db.internal/",
            "https://metadata.google.internal/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0.0.0.0/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.100.100.200/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
        ] {
            assert!(check(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn development_may_use_plain_http_on_this_machine() {
        for good in [
            "http://127.0.0.1:9/hook",
            "http://localhost/",
            "http://[::1]:9",
        ] {
            assert_eq!(check(good, true), Ok(()), "{good}");
            assert!(check(good, false).is_err(), "{good}");
        }
        for bad in [
            "http://example.com/",
            "http://10.0.0.1/",
            "https://10.0.0.1/",
        ] {
            assert!(check(bad, true).is_err(), "{bad}");
        }
    }
}
