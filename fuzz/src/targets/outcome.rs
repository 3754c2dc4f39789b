//! How a command went, as an agent tells it.

use hod_proto::agent::v1::CommandOutcome;
use hod_proto::convert::agent::Outcome;
use prost::Message as _;

use super::proportionate;

pub(crate) fn run(input: &[u8]) {
    let Ok(told) = CommandOutcome::decode(input) else { return };
    let Ok(outcome) = proportionate(input, || Outcome::try_from(told.clone())) else { return };
    let again = Outcome::try_from(CommandOutcome::from(&outcome)).expect("what was read is told again");
    assert_eq!(again, outcome);
}
