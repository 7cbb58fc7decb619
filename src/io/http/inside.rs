//! Which addresses are of this machine or of a private network. Sources: the special-purpose registries of RFC 6890.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Tells whether the host of a URL is one of this machine or of a private network, by its address or by one that its name has.
/// A name that is not known here is taken for public: whoever knows it, as a proxy, decides what may be asked.
pub(super) async fn is_inside(url: &Url) -> bool {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => return is_inner(address.into()),
        Some(Host::Ipv6(address)) => return is_inner(address.into()),
        Some(Host::Domain(name)) => name.to_owned(),
        None => return false,
    };
    let port = url.port_or_known_default().unwrap_or_default();
    match tokio::net::lookup_host((name, port)).await {
        Ok(mut addresses) => addresses.any(|address| is_inner(address.ip())),
        Err(_) => false,
    }
}

fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_inner_v4(address),
        IpAddr::V6(address) => is_inner_v6(address),
    }
}

fn is_inner_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // 100.64.0.0/10 is shared between a provider and its customers, and metadata services of clouds are there.
    let is_shared = first == 100 && (64..128).contains(&second);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        // RFC 6890 has 0.0.0.0/8 as `this host on this network`.
        || first == 0
        || is_shared
}

fn is_inner_v6(address: Ipv6Addr) -> bool {
    if let Some(address) = address.to_ipv4_mapped() {
        return is_inner_v4(address);
    }
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_inside() {
        for inner in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.9",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
        ] {
            assert!(is_inner(inner.parse().unwrap()), "{inner}");
        }
        for public in ["192.0.78.9", "172.32.0.1", "100.128.0.1", "2600::1"] {
            assert!(!is_inner(public.parse().unwrap()), "{public}");
        }
    }
}
