//! The command line.

use clap::Parser;
use local::{Local, Options};
use std::process::ExitCode;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main]
async fn main() -> ExitCode {
    // The embedded database warns of every answer that is an error, a table that is not there yet included.
    let ours = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("dynoxide", LevelFilter::ERROR);
    tracing_subscriber::registry()
        .with(aws::log::layer(std::io::stderr).with_filter(ours))
        .init();
    let options = Options::parse();
    if options
        .listen
        .parse()
        .is_ok_and(|ip: std::net::IpAddr| !ip.is_loopback())
    {
        eprintln!(
            "Listening on {}: whoever reaches this machine can log in as anyone.",
            options.listen
        );
    }
    match Local::start(options).await {
        Ok(local) => {
            println!("listening on {}", local.base_url());
            greet(&local);
            let _ = tokio::signal::ctrl_c().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn greet(local: &Local) {
    let base = local.base_url();
    eprintln!(
        "\nUserpush for development and tests. Next, in another terminal:\n\n  \
         curl {base}/_local/info                                       # application id and secrets\n  \
         curl {base}/_local/login -d '{{\"userId\":\"alice\"}}'              # log in as anyone\n  \
         curl {base}/imfpush/v1/apps/{}/init -H 'Authorization: Bearer TOKEN'\n  \
         curl {base}/_local/pushes                                     # what each phone received\n\n\
         Ctrl-C ends it.",
        local.application()
    );
}
