//! `hod events`.

use std::time::Duration;

use clap::Args;
use hod_proto::coordinator::v1::{
    Event, ListEventsRequest, ListEventsResponse, ListPoolsRequest, WatchEventsRequest, WatchEventsResponse,
};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::client::{Client, told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Sign, keep_open, vanished};
use crate::render::events;
use crate::resolve;
use crate::text::age::time;

use super::Context;

/// The largest page that the coordinator gives.
const PAGE: u16 = 1000;

/// `hod events`
#[derive(Debug, Args)]
pub struct Arguments {
    /// Then wait for more, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only those after this number of one pool, oldest first
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// The newest so many of each pool
    #[arg(
        long,
        short = 'n',
        value_name = "N",
        default_value_t = 100,
        conflicts_with = "after",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(PAGE))
    )]
    last: u16,
    /// Only of this pool, by name or id
    #[arg(long)]
    pool: Option<String>,
    /// Only about this volume, by name
    #[arg(long)]
    volume: Option<String>,
    /// Only about this job, by id or its first characters
    #[arg(long)]
    job: Option<String>,
    /// With --follow: how long to try again when the coordinator can't be reached
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
}

/// What to look for, with the job's whole id.
#[derive(Clone, Default)]
struct Wanted {
    volume: String,
    job: String,
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        (self.volume.is_empty() || self.volume == event.volume)
            && (self.job.is_empty() || self.job == event.job_id)
    }
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let pools = pools(&client, &arguments).await?;
    let job = match &arguments.job {
        Some(job) => resolve::job(&client, job).await?,
        None => String::new(),
    };
    let wanted = Wanted { volume: arguments.volume.clone().unwrap_or_default(), job };
    if let (true, Some(after)) = (arguments.follow, arguments.after) {
        let after = pools.into_iter().map(|pool| (pool, after)).collect();
        return follow(context, client, after, &wanted, &arguments).await;
    }
    let mut listed = Vec::new();
    let mut behind = Vec::new();
    let mut now = Timestamp::now();
    for pool in pools {
        // Taken before the list, so that nothing can come unseen between the two.
        let mark = if arguments.follow { newest_number(&client, &pool).await? } else { 0 };
        let page = match arguments.after {
            None => page(&client, &pool, 0, arguments.last, &wanted).await?,
            Some(after) => all_after(&client, &pool, after, &wanted).await?,
        };
        now = page.1;
        let seen = page.0.last().map_or(mark, |event| event.number);
        behind.push((pool, seen));
        listed.extend(page.0);
    }
    listed.sort_by_key(|event| (time(event.at.as_ref()), event.number));
    if arguments.follow {
        show(context, &listed, behind.len() > 1, now)?;
        return follow(context, client, behind, &wanted, &arguments).await;
    }
    if context.screen.json {
        context.screen.json(&ListEventsResponse { events: listed })?;
    } else if listed.is_empty() {
        context.screen.text("No events.\n")?;
    } else {
        show(context, &listed, behind.len() > 1, now)?;
    }
    Ok(Exit::Ok)
}

/// The pool that was named, or all there are.
async fn pools(client: &Client, arguments: &Arguments) -> Result<Vec<String>, Failure> {
    if let Some(pool) = &arguments.pool {
        return Ok(vec![pool.clone()]);
    }
    let listed = client.pools().list_pools(client.request(ListPoolsRequest {})).await;
    let listed = listed.map_err(|status| Failure::refused("list pools", &status))?;
    let pools: Vec<_> = listed.into_inner().pools.into_iter().map(|pool| pool.name).collect();
    if arguments.after.is_some() && pools.len() > 1 {
        return Err(Failure::usage(format!(
            "each pool numbers its own events: say of which, --pool {}",
            pools.join(" or --pool ")
        )));
    }
    if arguments.follow && pools.is_empty() {
        return Err(Failure::new(
            Exit::NotFound,
            "there is no pool whose events could be followed; `hod pool add` takes one up",
        ));
    }
    Ok(pools)
}

/// The number of a pool's newest event; 0 where it has none.
async fn newest_number(client: &Client, pool: &str) -> Result<u64, Failure> {
    let (newest, _) = page(client, pool, 0, 1, &Wanted::default()).await?;
    Ok(newest.last().map_or(0, |event| event.number))
}

/// One page of a pool's events, oldest first, with the coordinator's time. After 0:
/// the newest ones.
async fn page(
    client: &Client,
    pool: &str,
    after: u64,
    count: u16,
    wanted: &Wanted,
) -> Result<(Vec<Event>, Timestamp), Failure> {
    let request = client.request(ListEventsRequest {
        pool: pool.to_owned(),
        after,
        page_size: count.into(),
        volume: wanted.volume.clone(),
        job_id: wanted.job.clone(),
    });
    let page = client.events().list_events(request).await;
    let doing = format!("list events of pool {pool}");
    let (page, now) = told(page.map_err(|status| Failure::refused(&doing, &status))?);
    Ok((page.events, now))
}

/// All events after a number, page by page. The list can't be asked for those after
/// 0 (it then tells the newest): these come from the watch, up to the newest.
async fn all_after(
    client: &Client,
    pool: &str,
    after: u64,
    wanted: &Wanted,
) -> Result<(Vec<Event>, Timestamp), Failure> {
    if after == 0 {
        return from_the_first(client, pool, wanted).await;
    }
    let mut events = Vec::new();
    let mut from = after;
    loop {
        let (page, now) = page(client, pool, from, PAGE, wanted).await?;
        let full = page.len() >= usize::from(PAGE);
        let next = page.last().map_or(from, |event| event.number);
        events.extend(page);
        if !full || next <= from {
            return Ok((events, now));
        }
        from = next;
    }
}

async fn from_the_first(
    client: &Client,
    pool: &str,
    wanted: &Wanted,
) -> Result<(Vec<Event>, Timestamp), Failure> {
    let last = newest_number(client, pool).await?;
    if last == 0 {
        return Ok((Vec::new(), Timestamp::now()));
    }
    let doing = format!("list events of pool {pool}");
    let refused = |status| Failure::refused(&doing, &status);
    let request = client.lasting(WatchEventsRequest { pool: pool.to_owned(), after: 0 });
    let (mut stream, now) = told(client.events().watch_events(request).await.map_err(refused)?);
    let mut events = Vec::new();
    while let Some(message) = stream.message().await.map_err(refused)? {
        let event = message.event.unwrap_or_default();
        let reached = event.number >= last;
        if wanted.has(&event) {
            events.push(event);
        }
        if reached {
            break;
        }
    }
    Ok((events, now))
}

/// Follows each pool's events from behind a number on.
async fn follow(
    context: &Context,
    client: Client,
    behind: Vec<(String, u64)>,
    wanted: &Wanted,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let several = behind.len() > 1;
    let (sender, mut signs) = mpsc::channel(64);
    for (pool, number) in behind {
        let doing = format!("follow events of pool {pool}");
        let open = move |client: Client, last: Option<WatchEventsResponse>| {
            let last = last.and_then(|last| last.event).map(|event| event.number);
            let request =
                client.lasting(WatchEventsRequest { pool: pool.clone(), after: last.unwrap_or(number) });
            async move { client.events().watch_events(request).await }
        };
        tokio::spawn(keep_open(
            context.clone(),
            client.clone(),
            doing,
            Duration::from_secs(arguments.patience),
            open,
            sender.clone(),
        ));
    }
    drop(sender);
    let mut now = Timestamp::now();
    while let Some(sign) = signs.recv().await {
        match sign {
            Sign::Open(time) => now = time,
            Sign::Told(message) => {
                let event = message.event.unwrap_or_default();
                if wanted.has(&event) {
                    show(context, &[event], several, now)?;
                }
            }
            Sign::Lost(failure) => eprintln!("hod: {failure}; trying again"),
            Sign::Ended(failure) => return Err(failure),
        }
    }
    Err(vanished())
}

fn show(context: &Context, events: &[Event], pools: bool, now: Timestamp) -> Result<(), Failure> {
    for event in events {
        if context.screen.json {
            context.screen.json_line(event)?;
        } else {
            let line = events::line(event, pools, &context.screen.look(now));
            context.screen.text(&line)?;
        }
    }
    Ok(())
}
