//! What a command would do, and what it did.

use hod_proto::coordinator::v1::{BrickPlan, Plan, Problem, Receipt};

use crate::text::Look;
use crate::text::age::{length, span};
use crate::text::number::{counted, size};
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::{Cell, Fit, Table, cell, toned, wrapped};
use crate::text::words::UNKNOWN;

use super::short;

/// A dry run: what would be done, the space before and after, how long it would take,
/// and all that is against it.
#[must_use]
pub fn page(plan: &Plan, look: &Look) -> String {
    let mut text = paint_lines(look, Tone::Strong, &wrapped(&tame(&plan.description), look.width, "  "));
    if !plan.bricks.is_empty() {
        text.push('\n');
        text.push_str(&bricks(&plan.bricks, look));
    }
    let facts = [("moves", moves(plan)), ("takes", takes(plan))];
    if facts.iter().any(|(_, value)| !value.is_empty()) {
        text.push('\n');
    }
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{name:<8}{value}\n"));
    }
    text.push('\n');
    text.push_str(&problems(&plan.problems, look));
    text
}

/// What was made: in words, and the job with how to follow it.
#[must_use]
pub fn receipt(receipt: &Receipt, how_to_follow: bool, look: &Look) -> String {
    let mut text = String::new();
    if !receipt.message.is_empty() {
        text.push_str(&wrapped(&tame(&receipt.message), look.width, ""));
        text.push('\n');
    }
    if !receipt.job_id.is_empty() {
        let id = tame(&receipt.job_id);
        text.push_str(&format!("job     {id}\n"));
        if how_to_follow {
            text.push_str(&format!("follow  hod watch --job {}\n", short(&id, 8)));
        }
    }
    text
}

fn bricks(bricks: &[BrickPlan], look: &Look) -> String {
    let mut table = Table::new()
        .column("BRICK", Fit::Cut)
        .numbers("SIZE")
        .numbers("FREE BEFORE")
        .numbers("FREE AFTER")
        .column("", Fit::Whole);
    for plan in bricks {
        let brick = plan.brick.as_ref();
        let note = match (plan.goes, brick.is_some_and(|brick| brick.arbiter)) {
            (true, true) => "goes (arbiter)",
            (true, false) => "goes",
            (false, true) => "arbiter",
            (false, false) => "",
        };
        table.row([
            cell(brick.map_or("", |brick| &brick.name)),
            space(plan.total_bytes),
            space(plan.free_before),
            if plan.goes && plan.free_after.is_none() { cell("") } else { space(plan.free_after) },
            toned(Tone::Warn, note),
        ]);
    }
    table.render(look)
}

fn space(bytes: Option<u64>) -> Cell {
    bytes.map_or_else(|| toned(Tone::Warn, UNKNOWN), |bytes| cell(size(bytes)))
}

/// How much would move. Nothing is claimed where a brick's space is not known.
fn moves(plan: &Plan) -> String {
    let known = plan.bricks.iter().all(|brick| brick.total_bytes.is_some() && brick.free_before.is_some());
    match plan.bytes_to_move {
        0 if plan.bricks.is_empty() => String::new(),
        0 if !known => UNKNOWN.to_owned(),
        0 => "nothing".to_owned(),
        bytes => format!("at most {}", size(bytes)),
    }
}

/// How long it would take, and by what that is reckoned.
fn takes(plan: &Plan) -> String {
    match (length(plan.estimate.as_ref()), plan.rate) {
        (None, _) if plan.bytes_to_move == 0 => String::new(),
        (None, _) => format!("{UNKNOWN}: no task has yet shown how fast this volume's files move"),
        (Some(length), 0) => format!("about {}", span(length)),
        (Some(length), rate) => format!("about {}, at {}/s, the rate seen last", span(length), size(rate)),
    }
}

/// Each problem with what to do about it below.
fn problems(problems: &[Problem], look: &Look) -> String {
    if problems.is_empty() {
        return format!("{}\n", paint(look.color, Tone::Good, "Nothing is against it."));
    }
    let heading = format!("{} against it:", counted(problems.len() as u64, "thing"));
    let mut text = format!("{}\n", paint(look.color, Tone::Bad, &heading));
    for problem in problems {
        let name = match problem.field.as_str() {
            "" => problem.code.clone(),
            field => format!("{} ({field})", problem.code),
        };
        let what = wrapped(&tame(&format!("- {name}: {}", problem.message)), look.width, "  ");
        text.push_str(&what);
        text.push('\n');
        if !problem.advice.is_empty() {
            let width = look.width.map(|width| width.saturating_sub(2));
            let advice = wrapped(&tame(&format!("→ {}", problem.advice)), width, "    ");
            text.push_str(&format!("  {advice}\n"));
        }
    }
    text
}

fn paint_lines(look: &Look, tone: Tone, text: &str) -> String {
    text.lines().map(|line| format!("{}\n", paint(look.color, tone, line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{brick, look};

    const GIB: u64 = 1 << 30;

    fn space_of(host: &str, path: &str, total: u64, before: u64, after: Option<u64>) -> BrickPlan {
        BrickPlan {
            brick: Some(brick(host, path)),
            total_bytes: Some(total * GIB),
            free_before: Some(before * GIB),
            free_after: after.map(|after| after * GIB),
            goes: after.is_none(),
        }
    }

    fn problem(code: &str, field: &str, message: &str, advice: &str) -> Problem {
        Problem {
            code: code.to_owned(),
            field: field.to_owned(),
            message: message.to_owned(),
            advice: advice.to_owned(),
        }
    }

    fn remove_brick() -> Plan {
        let mut arbiter = space_of("node-c", "/bricks/arbiter", 10, 9, Some(9));
        arbiter.brick.as_mut().unwrap().arbiter = true;
        Plan {
            description: "remove-brick of gv0: the files of storage-node-0017.rack-3.example.com:/bricks/b3 \
                          move to the bricks that stay"
                .to_owned(),
            bytes_to_move: 300 * GIB,
            bricks: vec![
                space_of("node-a", "/bricks/b1", 1024, 700, Some(550)),
                space_of("node-b", "/bricks/b2", 1024, 650, Some(500)),
                arbiter,
                space_of("storage-node-0017.rack-3.example.com", "/bricks/b3", 1024, 724, None),
            ],
            estimate: Some(pbjson_types::Duration { seconds: 11_000, nanos: 0 }),
            rate: 29_282_000,
            ..Plan::default()
        }
    }

    #[test]
    fn a_remove_brick_that_may_start() {
        insta::assert_snapshot!(page(&remove_brick(), &look()));
    }

    #[test]
    fn all_that_is_against_it_with_what_to_do() {
        let mut plan = remove_brick();
        (plan.estimate, plan.rate) = (None, 0);
        plan.bricks[1] = BrickPlan { brick: Some(brick("node-b", "/bricks/b2")), ..BrickPlan::default() };
        plan.problems = vec![
            problem(
                "no-space",
                "bricks",
                "300 GiB would move, and the bricks that stay can take 120 GiB above what \
                 cluster.min-free-disk keeps free",
                "add bricks first, or free space on those that stay; or lower cluster.min-free-disk \
                 if you know what else writes there",
            ),
            problem(
                "heals-pending",
                "",
                "12 heals are pending on node-a:/bricks/b1",
                "wait until they are done",
            ),
            problem("odd", "", "a problem without advice", ""),
        ];
        let text = page(&plan, &look());
        assert!(text.lines().all(|line| console::measure_text_width(line) <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_moves_no_data() {
        let plan = Plan { description: "fix-layout of gv0".to_owned(), ..Plan::default() };
        insta::assert_snapshot!(page(&plan, &look()), @r"
        fix-layout of gv0

        Nothing is against it.
        ");
        let mut lowered = remove_brick();
        (lowered.bytes_to_move, lowered.estimate) = (0, None);
        assert!(page(&lowered, &look()).contains("moves   nothing\n"));
        lowered.bricks[0].free_before = None;
        assert!(page(&lowered, &look()).contains("moves   UNKNOWN\n"), "not nothing: it is not known");
    }

    #[test]
    fn a_receipt_tells_how_to_follow_the_job() {
        let made = Receipt {
            job_id: "1a2b3c4d-0000-5000-8000-000000000001".to_owned(),
            message: "a rebalance of gv0 is being started".to_owned(),
            ..Receipt::default()
        };
        insta::assert_snapshot!(receipt(&made, true, &look()), @r"
        a rebalance of gv0 is being started
        job     1a2b3c4d-0000-5000-8000-000000000001
        follow  hod watch --job 1a2b3c4d
        ");
        assert!(!receipt(&made, false, &look()).contains("follow"));
        assert_eq!(receipt(&Receipt::default(), true, &look()), "");
    }
}
