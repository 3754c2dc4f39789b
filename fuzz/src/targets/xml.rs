//! The answers in XML: every reader takes every input, also another command's answer.

use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{heal, pool, reply, task_list, task_status, volume_info};
use hod_agent::gluster::refusal;

use super::proportionate;

pub(crate) fn run(input: &[u8]) {
    let output = Output { stdout: input.to_vec(), ..Output::default() };
    every(input, &output, task_list::read);
    every(input, &output, volume_info::read);
    every(input, &output, pool::read);
    every(input, &output, task_status::rebalance);
    every(input, &output, task_status::remove_brick);
    every(input, &output, task_status::replace_brick);
    every(input, &output, heal::read);
    every(input, &output, reply::outcome);

    let output = Output { stderr: input.to_vec(), exit: Some(1), ..Output::default() };
    proportionate(input, || refusal::of_output(&output));
}

fn every<T, E>(input: &[u8], output: &Output, read: impl Fn(&Output) -> Result<T, E>)
where
    Result<T, E>: std::fmt::Debug + PartialEq,
{
    if proportionate(input, || read(output)).is_err() {
        return;
    }
    // An answer that was cut short is an error, never a shorter list.
    let whole = input.trim_ascii_end();
    if let Some((_, short)) = whole.split_last() {
        let short = Output { stdout: short.to_vec(), ..Output::default() };
        assert!(read(&short).is_err(), "cut short by a byte, it is still an answer");
    }
}
