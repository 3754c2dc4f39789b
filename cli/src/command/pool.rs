//! `hod pool add|list|remove`.

use std::io::IsTerminal as _;

use clap::{Args, Subcommand};
use hod_proto::coordinator::v1::{
    AddPoolRequest, Follow, GetPoolRequest, ListPoolsRequest, Pool, RemovePoolRequest,
};

use crate::client::{Client, told};
use crate::confirm::said_yes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::pools;
use crate::text::number::counted;
use crate::text::paint::tame;

use super::Context;

/// `hod pool …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a pool up by one agent; the other agents are found through it
    Add(Add),
    /// List the pools
    List,
    /// Forget a pool with its jobs and events; Gluster is not touched
    Remove(Remove),
}

/// `hod pool add`
#[derive(Debug, Args)]
pub struct Add {
    /// A name of your choice
    name: String,
    /// One of the pool's agents (port 7460 where none is given)
    #[arg(long, value_name = "HOST[:PORT]")]
    agent: String,
    /// Make no call that takes a lock: counters then come only at a task's end
    #[arg(long)]
    quiet: bool,
}

/// `hod pool remove`
#[derive(Debug, Args)]
pub struct Remove {
    /// The pool's name or id
    name: String,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached, or nobody said yes.
pub async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Add(arguments) => add(context, arguments).await,
        Command::List => list(context).await,
        Command::Remove(arguments) => remove(context, &arguments).await,
    }
}

async fn add(context: &Context, arguments: Add) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let doing = format!("add pool {} with agent {}", arguments.name, arguments.agent);
    let follow = if arguments.quiet { Follow::Quiet } else { Follow::Normal };
    let request = client.request(AddPoolRequest {
        name: arguments.name,
        agent: arguments.agent,
        follow: follow.into(),
    });
    let added = client.pools().add_pool(request).await;
    let (added, now) = told(added.map_err(|status| Failure::refused(&doing, &status))?);
    if context.screen.json {
        context.screen.json(&added)?;
    } else {
        let pool = added.pool.unwrap_or_default();
        let text = pools::added(&pool, &added.hosts, &context.screen.look(now));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let listed = client.pools().list_pools(client.request(ListPoolsRequest {})).await;
    let (listed, now) = told(listed.map_err(|status| Failure::refused("list pools", &status))?);
    if context.screen.json {
        context.screen.json(&listed)?;
    } else {
        let text = pools::table(&listed.pools, &context.screen.look(now));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}

async fn remove(context: &Context, arguments: &Remove) -> Result<Exit, Failure> {
    let name = &arguments.name;
    let asks = std::io::stdin().is_terminal();
    if !arguments.yes && !asks {
        return Err(Failure::usage(format!(
            "removing pool {} forgets its jobs and events; say --yes",
            tame(name)
        )));
    }
    let client = context.client().await?;
    let pool = get(&client, name).await?;
    if !arguments.yes && !confirmed(&pool).await? {
        return Err(Failure::usage(format!("pool {} was not removed: nobody said yes", tame(&pool.name))));
    }
    // By its id: the pool that was asked about, whatever its name is by now.
    let request = client.request(RemovePoolRequest {
        pool: if pool.pool_id.is_empty() { name.clone() } else { pool.pool_id },
    });
    let removed = client.pools().remove_pool(request).await;
    let doing = format!("remove pool {name}");
    let removed = removed.map_err(|status| Failure::refused(&doing, &status))?;
    if context.screen.json {
        context.screen.json(&removed.into_inner())?;
    } else {
        let text = format!("Pool {} removed. Gluster was not touched.\n", tame(&pool.name));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}

async fn get(client: &Client, name: &str) -> Result<Pool, Failure> {
    let request = client.request(GetPoolRequest { pool: name.to_owned() });
    let told = client.pools().get_pool(request).await;
    let doing = format!("find pool {name}");
    let told = told.map_err(|status| Failure::refused(&doing, &status))?;
    Ok(told.into_inner().pool.unwrap_or_default())
}

/// Asks, naming what is forgotten.
async fn confirmed(pool: &Pool) -> Result<bool, Failure> {
    said_yes(&format!(
        "Forget pool {} ({}, {}, {} open) with all its jobs and events? Gluster is not touched.",
        pool.name,
        counted(pool.hosts.into(), "host"),
        counted(pool.volumes.into(), "volume"),
        counted(pool.open_jobs.into(), "job"),
    ))
    .await
}
