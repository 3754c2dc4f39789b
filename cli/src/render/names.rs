//! Names of hosts as short as they can be without becoming the same.

use std::net::IpAddr;

/// How many bytes at the end of each name are a domain that all of them share,
/// its dot included: what can be left out where they stand side by side.
#[must_use]
pub fn shared_domain(names: &[String]) -> usize {
    let [first, rest @ ..] = names else { return 0 };
    if rest.is_empty() || names.iter().any(|name| name.parse::<IpAddr>().is_ok()) {
        return 0;
    }
    let shared = |domain: &str| rest.iter().all(|name| name.len() > domain.len() && name.ends_with(domain));
    first.match_indices('.').map(|(dot, _)| &first[dot..]).find(|domain| shared(domain)).map_or(0, str::len)
}

/// The name without the shared domain.
#[must_use]
pub fn without(name: &str, domain: usize) -> &str {
    name.len().checked_sub(domain).and_then(|end| name.get(..end)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(names: &[&str]) -> Vec<String> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let domain = shared_domain(&names);
        names.iter().map(|name| without(name, domain).to_owned()).collect()
    }

    #[test]
    fn a_domain_that_all_share_is_left_out() {
        assert_eq!(shortened(&["a.r1.example.com", "b.r1.example.com"]), ["a", "b"]);
        assert_eq!(shortened(&["a.r1.example.com", "b.r2.example.com"]), ["a.r1", "b.r2"]);
    }

    #[test]
    fn what_can_be_mistaken_stays() {
        for names in [
            &["10.0.0.1", "10.0.1.1"][..],
            &["a.example.com", "b"],
            &["a.example.com", "a"],
            &["only.example.com"],
            &[],
        ] {
            assert_eq!(shortened(names), names);
        }
    }
}
