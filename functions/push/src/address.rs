//! Which addresses of the Internet are everybody's: what we call because somebody told us to is never inside of a house.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4, by their first address and the bits that all of their addresses share, that no public host has:
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>, multicast and what is reserved.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Broadcast is the last one of them.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];

/// Of IPv6 only this block is public at all: unique local, link-local and multicast addresses lie outside of it.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of it is not: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 3] = [
    // Protocols: Teredo, benchmarking, identifiers that are no addresses.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Blocks of IPv6 whose addresses stand for one of IPv4, and where in them that begins, in bits.
const CARRIES_V4: [(Ipv6Addr, u32, u32); 4] = [
    // Compatible (loopback and the unspecified address are among them) and mapped addresses.
    (Ipv6Addr::UNSPECIFIED, 96, 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 96),
    // NAT64.
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 96),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 16),
];

/// Whether an address is one that everybody may reach. One of IPv6 that stands for one of IPv4 is judged by that.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let within = |(block, shared): &(Ipv4Addr, u32)| (bits ^ block.to_bits()) >> (32 - shared) == 0;
    !NOT_PUBLIC_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let within = |(block, shared): (Ipv6Addr, u32)| (bits ^ block.to_bits()) >> (128 - shared) == 0;
    let carried = CARRIES_V4
        .iter()
        .find(|(block, shared, _)| within((*block, *shared)));
    if let Some((_, _, begins)) = carried {
        let [a, b, c, d, ..] = (bits << begins).to_be_bytes();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    within(GLOBAL_V6) && !NOT_PUBLIC_V6.into_iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A range a line: what stands before it, its first and its last address, what stands behind it; `-` where that is
    /// another range.
    const RANGES: &str = "
- 0.0.0.0 0.255.255.255 1.0.0.0
9.255.255.255 10.0.0.0 10.255.255.255 11.0.0.0
100.63.255.255 100.64.0.0 100.127.255.255 100.128.0.0
126.255.255.255 127.0.0.0 127.255.255.255 128.0.0.0
169.253.255.255 169.254.0.0 169.254.169.254 -
- 169.254.0.0 169.254.255.255 169.255.0.0
172.15.255.255 172.16.0.0 172.31.255.255 172.32.0.0
191.255.255.255 192.0.0.0 192.0.0.255 192.0.1.0
192.0.1.255 192.0.2.0 192.0.2.255 192.0.3.0
192.88.98.255 192.88.99.0 192.88.99.255 192.88.100.0
192.167.255.255 192.168.0.0 192.168.255.255 192.169.0.0
198.17.255.255 198.18.0.0 198.19.255.255 198.20.0.0
198.51.99.255 198.51.100.0 198.51.100.255 198.51.101.0
203.0.112.255 203.0.113.0 203.0.113.255 203.0.114.0
223.255.255.255 224.0.0.0 239.255.255.255 -
- 240.0.0.0 255.255.255.255 -
- :: ::1 -
- 64:ff9b:1:: 1fff:ffff:: 2000::
2000:ffff:: 2001:: 2001:1ff:ffff:: 2001:200::
2001:db7:ffff:: 2001:db8:: 2001:db8:ffff:: 2001:db9::
3ffe:ffff:: 3fff:: 3fff:fff:ffff:: 3fff:1000::
3fff:ffff:: 4000:: fbff:: -
- fc00:: fdff:ffff:: -
- fe80:: febf::ffff -
- fec0:: feff:: -
- ff00:: ffff:: -
::9.255.255.255 ::10.0.0.0 ::10.255.255.255 ::11.0.0.0
::ffff:169.253.255.255 ::ffff:169.254.0.0 ::ffff:169.254.169.254 ::ffff:169.255.0.0
64:ff9b::9.255.255.255 64:ff9b::10.0.0.0 64:ff9b::10.255.255.255 64:ff9b::11.0.0.0
2002:7eff:ffff::1 2002:7f00::1 2002:7fff:ffff::1 2002:8000::1
";

    #[test]
    fn an_address_is_public_on_the_right_side_of_each_range() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for range in RANGES.trim().lines() {
            let words: Vec<_> = range.split(' ').collect();
            let [before, first, last, behind] = words[..] else {
                panic!("{range}");
            };
            for text in [before, behind].into_iter().filter(|text| *text != "-") {
                assert!(public(text), "{text}");
            }
            for text in [first, last] {
                assert!(!public(text), "{text}");
            }
        }
    }

    #[test]
    fn the_addresses_of_well_known_hosts_are_public() {
        for text in ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
