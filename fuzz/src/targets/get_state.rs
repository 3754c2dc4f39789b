//! `gluster get-state`.

use hod_agent::gluster::read::get_state;

use super::proportionate;

pub(crate) fn run(input: &[u8]) {
    let _ = proportionate(input, || get_state::read(input));
}
