//! glusterd's `node_state.info`, as each version writes it.

use hod_agent::gluster::Version;
use hod_agent::gluster::read::node_state;

use super::proportionate;

pub(crate) fn run(input: &[u8]) {
    for version in ["3.6.9", "9.2", "10.3", "11.1"] {
        let version = Version::parse(version).expect("a version");
        let _ = proportionate(input, || node_state::read(input, &version));
    }
}
